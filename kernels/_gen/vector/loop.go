package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// begin opens the function name+ISA, the entry of the vector table's field of that name.
func (a *asm) begin(name, signature string) {
	symbol := strings.ToUpper(name[:1]) + name[1:] + a.name
	a.Function(symbol)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.SignatureExpr(signature)
	a.Doc(symbol + " is the " + name + " of the table in kernels/cpu_vector.go.")
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
func (a *asm) scalar(name string) value { return a.argument(a.Param(name)) }

// argument broadcasts a component of 32 bits.
func (a *asm) argument(c gotypes.Component) value {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return a.broadcast(b.Addr)
}

// broadcast copies the 32 bits in memory to every lane.
func (a *asm) broadcast(m operand.Mem) value {
	d := a.vec()
	a.VBROADCASTSS(m, d)
	return value{d}
}

// cursor is where a loop body reads and writes: some whole vectors, one for each chain, or the first
// lanes of one.
type cursor struct {
	a      *asm
	index  reg.GPVirtual // elements; nil is 0
	offset int           // bytes
	chains int
	tail   mask          // nil is whole vectors
	left   reg.GPVirtual // elements in the partial vector
}

func (c cursor) mem(base reg.Register, chain int) operand.Mem {
	m := operand.Mem{Base: base, Disp: c.offset + chain*c.a.bytes()}
	if c.index != nil {
		m.Index, m.Scale = c.index, 4
	}
	return m
}

// load reads a vector. Lanes past the end of the slice are +0 and are not read.
func (c cursor) load(base reg.Register) value {
	v := make(value, c.chains)
	for i := range v {
		d, m := c.a.vec(), c.mem(base, i)
		switch {
		case c.tail == nil:
			c.a.VMOVUPS(m, d)
		case c.a.wide():
			c.a.VMOVUPS_Z(m, c.tail[0], d)
		default:
			c.a.VMASKMOVPS(m, c.tail[0], d)
		}
		v[i] = d
	}
	return v
}

// store writes a vector. Lanes past the end of the slice are not written.
func (c cursor) store(v value, base reg.Register) {
	for i := range c.chains {
		m := c.mem(base, i)
		switch {
		case c.tail == nil:
			c.a.VMOVUPS(v.at(i), m)
		case c.a.wide():
			c.a.VMOVUPS(v.at(i), c.tail[0], m)
		default:
			c.a.VMASKMOVPS(v.at(i), c.tail[0], m)
		}
	}
}

// only is v with +0 in the lanes past the end.
func (c cursor) only(v value) value {
	if c.tail == nil {
		return v
	}
	d := c.a.vec()
	if c.a.wide() {
		c.a.VMOVUPS_Z(v[0], c.tail[0], d)
	} else {
		c.a.VANDPS(v[0], c.tail[0], d)
	}
	return value{d}
}

// each runs body over n elements, several chains at a time, then one at a time, then over the rest
// in a partial vector. What an element becomes does not depend on which of the three it meets.
func (a *asm) each(n reg.GPVirtual, chains int, body func(cursor)) {
	index, left := a.GP64(), a.GP64()
	a.XORQ(index, index)
	a.MOVQ(n, left)
	steps := []int{chains, 1}
	if chains == 1 {
		steps = steps[1:]
	}
	for _, k := range steps {
		loop, done := a.label("loop"), a.label("done")
		size := operand.Imm(uint64(k * a.lanes))
		a.CMPQ(left, size)
		a.JLT(operand.LabelRef(done))
		a.Label(loop)
		body(cursor{a: a, index: index, chains: k})
		a.ADDQ(size, index)
		a.SUBQ(size, left)
		a.CMPQ(left, size)
		a.JGE(operand.LabelRef(loop))
		a.Label(done)
	}
	end := a.label("end")
	a.TESTQ(left, left)
	a.JLE(operand.LabelRef(end))
	body(cursor{a: a, index: index, chains: 1, tail: a.first(left), left: left})
	a.Label(end)
}

// first is the mask of the first n lanes, 0 <= n <= lanes.
func (a *asm) first(n reg.GPVirtual) mask {
	if a.wide() {
		bits, k := a.GP64(), a.K()
		a.MOVQ(operand.I32(-1), bits)
		a.BZHIQ(n, bits, bits)
		a.KMOVW(bits.As32(), k)
		return mask{k}
	}
	// The mask is a window on n times ones followed by zeros.
	half := a.lanes / 2
	window := a.table("firstLanes", append(repeated(1<<64-1, half), repeated(0, half)...))
	start, back, m := a.GP64(), a.GP64(), a.vec()
	a.LEAQ(window.Offset(a.bytes()), start)
	a.MOVQ(n, back)
	a.NEGQ(back)
	a.VMOVUPS(operand.Mem{Base: start, Index: back, Scale: 4}, m)
	return mask{m}
}

// clamp is n within [0, lanes].
func (a *asm) clamp(n reg.GPVirtual) reg.GPVirtual {
	zero, r := a.GP64(), a.GP64()
	a.XORQ(zero, zero)
	a.MOVQ(operand.I32(a.lanes), r)
	a.CMPQ(n, r)
	a.CMOVQLT(n, r)
	a.TESTQ(r, r)
	a.CMOVQLT(zero, r)
	return r
}
