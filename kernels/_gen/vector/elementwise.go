package main

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise writes the loops over independent elements. Cheap bodies are unrolled so that the loop
// itself costs nothing; the others are long enough.
func elementwise(a *asm) {
	a.loop("relu", "y", "x").side(4).run(func(in []value) value {
		return a.max(a.f(0), in[0])
	})
	a.loop("reluGrad", "dx", "x", "dy").side(4).run(func(in []value) value {
		return a.choose(a.compare(lessEqual, in[0], a.f(0)), a.f(0), in[1])
	})
	a.loop("add", "c", "a", "b").side(4).run(func(in []value) value {
		return a.add(in[0], in[1])
	})
	a.loop("sub", "c", "a", "b").side(4).run(func(in []value) value {
		return a.sub(in[0], in[1])
	})
	a.loop("mul", "c", "a", "b").side(4).run(func(in []value) value {
		return a.mul(in[0], in[1])
	})
	a.loop("scale", "y", "x").with("s").side(4).run(func(in []value) value {
		return a.mul(in[0], in[1])
	})
	a.loop("addScalar", "y", "x").with("s").side(4).run(func(in []value) value {
		return a.add(in[0], in[1])
	})
	a.addRows()
	a.loop("subScale", "dx", "x", "t").with("s").side(2).run(func(in []value) value {
		x, t, s := in[0], in[1], in[2]
		return a.mul(a.sub(x, t), s)
	})
	hard(a)
	soft(a)
}

// loop describes one loop over elements: out[i] = f(in[0][i], in[1][i], ..., scalars...).
type loop struct {
	a       *asm
	name    string
	out     string
	in      []string
	scalars []string
	chains  int
}

func (a *asm) loop(name, out string, in ...string) *loop {
	return &loop{a: a, name: name, out: out, in: in, chains: 1}
}

// with adds float32 arguments, the same for every element.
func (l *loop) with(scalars ...string) *loop {
	l.scalars = scalars
	return l
}

// side sets how many vectors are computed side by side.
func (l *loop) side(n int) *loop {
	l.chains = n
	return l
}

// run writes the function. The length is that of the first input.
func (l *loop) run(f func(in []value) value) {
	a := l.a
	signature := l.out + ", " + strings.Join(l.in, ", ") + " []float32"
	if l.scalars != nil {
		signature += ", " + strings.Join(l.scalars, ", ") + " float32"
	}
	a.begin(l.name, "func("+signature+")")
	out := a.base(l.out)
	var in []reg.Register
	for _, s := range l.in {
		in = append(in, a.base(s))
	}
	var scalars []value
	for _, s := range l.scalars {
		scalars = append(scalars, a.scalar(s))
	}
	a.each(a.length(l.in[0]), l.chains, func(c cursor) {
		var v []value
		for _, p := range in {
			v = append(v, c.load(p))
		}
		c.store(f(append(v, scalars...)), out)
	})
	a.end()
}

// addRows adds b to each row of x.
func (a *asm) addRows() {
	a.begin("addRows", "func(y, x, b []float32)")
	y, x, b := a.base("y"), a.base("x"), a.base("b")
	left, cols := a.length("x"), a.length("b")
	row, done := a.label("row"), a.label("rows")
	a.TESTQ(cols, cols)
	a.JLE(operand.LabelRef(done))
	a.SUBQ(cols, left)
	a.JLT(operand.LabelRef(done))
	a.Label(row)
	a.each(cols, 4, func(c cursor) { c.store(a.add(c.load(x), c.load(b)), y) })
	a.LEAQ(operand.Mem{Base: x, Index: cols, Scale: 4}, x)
	a.LEAQ(operand.Mem{Base: y, Index: cols, Scale: 4}, y)
	a.SUBQ(cols, left)
	a.JGE(operand.LabelRef(row))
	a.Label(done)
	a.end()
}
