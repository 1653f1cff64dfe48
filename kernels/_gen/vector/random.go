package main

import "github.com/mmcloughlin/avo/operand"

// random writes the loops that draw from Philox4x32-10.
func random(a *asm) { a.dropout() }

// dropout draws for two vectors of counters at a time, then for one with the lanes that are left.
func (a *asm) dropout() {
	a.begin("dropout", "func(y, x []float32, at uint64, s [4]uint32, threshold uint32, scale float32)")
	y, x, left := a.base("y"), a.base("x"), a.length("x")
	p := a.philox()
	threshold, scale := a.scalar("threshold"), a.scalar("scale")
	keep := func(c cursor, words value) {
		v := a.mul(c.load(x), scale)
		c.store(a.choose(a.atLeast(words, threshold), v, a.f(0)), y)
	}
	index := a.GP64()
	a.XORQ(index, index)

	const groups = 2 // vectors of counters side by side; each gives two vectors of words
	loop, rest, last, done := a.label("loop"), a.label("rest"), a.label("last"), a.label("done")
	size := operand.Imm(uint64(2 * groups * a.lanes))
	a.CMPQ(left, size)
	a.JLT(operand.LabelRef(rest))
	a.Label(loop)
	words := p.next(groups)
	for i := range words {
		keep(cursor{a: a, index: index, offset: i * a.bytes(), chains: 1}, words[i:i+1])
	}
	a.ADDQ(size, index)
	a.SUBQ(size, left)
	a.CMPQ(left, size)
	a.JGE(operand.LabelRef(loop))

	a.Label(rest)
	a.TESTQ(left, left)
	a.JLE(operand.LabelRef(done))
	a.Label(last)
	words = p.next(1)
	for i := range words {
		n := a.clamp(left)
		keep(cursor{a: a, index: index, offset: i * a.bytes(), chains: 1, tail: a.first(n)}, words[i:i+1])
		a.SUBQ(operand.Imm(uint64(a.lanes)), left)
	}
	a.ADDQ(operand.Imm(uint64(2*a.lanes)), index)
	a.TESTQ(left, left)
	a.JG(operand.LabelRef(last))
	a.Label(done)
	a.end()
}

// atLeast is the mask of x >= y, unsigned.
func (a *asm) atLeast(x, y value) mask {
	m := make(mask, len(x))
	for i, v := range a.binary(a.VPMAXUD, x, y) {
		m[i] = a.maskRegister()
		a.VPCMPEQD(x[i], v, m[i])
	}
	return m
}
