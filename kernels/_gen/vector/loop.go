package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// begin opens the function name+ISA. The doc is the Go loop that it equals.
func (a *asm) begin(name, signature string, doc ...string) {
	a.Function(name + a.name)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.SignatureExpr(signature)
	a.Doc(doc...)
	a.labels = 0
}

// end closes it.
func (a *asm) end() {
	a.VZEROUPPER()
	a.RET()
}

// label invents a name that is new in this function.
func (a *asm) label(what string) string {
	a.labels++
	return fmt.Sprintf("%s%d", what, a.labels)
}

// base loads the address of a slice argument.
func (a *asm) base(slice string) reg.GPVirtual {
	r := a.GP64()
	a.Load(a.Param(slice).Base(), r)
	return r
}

// length loads the length of a slice argument.
func (a *asm) length(slice string) reg.GPVirtual {
	r := a.GP64()
	a.Load(a.Param(slice).Len(), r)
	return r
}

// scalar broadcasts a float32 or uint32 argument.
func (a *asm) scalar(name string) value {
	c, err := a.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.broadcast(c.Addr)
}

// broadcast copies the 32 bits in memory to every lane.
func (a *asm) broadcast(m operand.Mem) value {
	d := a.vec()
	a.VBROADCASTSS(m, d)
	return d
}

// cursor is where a loop body reads and writes: a whole vector, or the first lanes of one.
type cursor struct {
	a      *asm
	index  reg.GPVirtual // elements; nil is 0
	offset int           // bytes
	tail   mask          // nil is a whole vector
}

func (c cursor) mem(base reg.Register) operand.Mem {
	m := operand.Mem{Base: base, Disp: c.offset}
	if c.index != nil {
		m.Index, m.Scale = c.index, 4
	}
	return m
}

// load reads a vector. Lanes past the end of the slice are +0 and are not read.
func (c cursor) load(base reg.Register) value {
	d := c.a.vec()
	switch {
	case c.tail == nil:
		c.a.VMOVUPS(c.mem(base), d)
	case c.a.wide():
		c.a.VMOVUPS_Z(c.mem(base), c.tail, d)
	default:
		c.a.VMASKMOVPS(c.mem(base), c.tail, d)
	}
	return d
}

// store writes a vector. Lanes past the end of the slice are not written.
func (c cursor) store(v value, base reg.Register) {
	switch {
	case c.tail == nil:
		c.a.VMOVUPS(v, c.mem(base))
	case c.a.wide():
		c.a.VMOVUPS(v, c.tail, c.mem(base))
	default:
		c.a.VMASKMOVPS(v, c.tail, c.mem(base))
	}
}

// each runs body over n elements, unroll vectors at a time, then one at a time, then over the rest
// in a partial vector. What an element becomes does not depend on which of the three it meets.
func (a *asm) each(n reg.GPVirtual, unroll int, body func(cursor)) {
	index := a.GP64()
	a.XORQ(index, index)
	a.eachFrom(index, n, unroll, body)
}

// eachFrom is each, beginning at element index.
func (a *asm) eachFrom(index, n reg.GPVirtual, unroll int, body func(cursor)) {
	steps := []int{1}
	if unroll > 1 {
		steps = []int{unroll, 1}
	}
	left := a.GP64()
	a.MOVQ(n, left)
	a.SUBQ(index, left)
	for _, u := range steps {
		loop, done := a.label("loop"), a.label("done")
		a.CMPQ(left, operand.Imm(uint64(u*a.lanes)))
		a.JLT(operand.LabelRef(done))
		a.Label(loop)
		for i := range u {
			body(cursor{a: a, index: index, offset: i * a.bytes()})
		}
		a.ADDQ(operand.Imm(uint64(u*a.lanes)), index)
		a.SUBQ(operand.Imm(uint64(u*a.lanes)), left)
		a.CMPQ(left, operand.Imm(uint64(u*a.lanes)))
		a.JGE(operand.LabelRef(loop))
		a.Label(done)
	}
	end := a.label("end")
	a.TESTQ(left, left)
	a.JLE(operand.LabelRef(end))
	body(cursor{a: a, index: index, tail: a.first(left)})
	a.Label(end)
}

// first is the mask of the first n lanes, 0 <= n < lanes.
func (a *asm) first(n reg.GPVirtual) mask {
	if a.wide() {
		bits, k := a.GP64(), a.K()
		a.MOVQ(operand.I32(-1), bits)
		a.BZHIQ(n, bits, bits)
		a.KMOVW(bits.As32(), k)
		return k
	}
	table, m := a.GP64(), a.vec()
	a.LEAQ(operand.NewDataAddr(operand.Symbol{Name: "firstLanes", Static: true}, 4*a.lanes), table)
	neg := a.GP64()
	a.MOVQ(n, neg)
	a.NEGQ(neg)
	a.VMOVUPS(operand.Mem{Base: table, Index: neg, Scale: 4}, m)
	a.usesFirst = true
	return m
}
