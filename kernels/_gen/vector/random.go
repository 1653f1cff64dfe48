package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
)

// random writes the loops that draw from Philox4x32-10.
func random(a *asm) { a.dropout() }

// streamSource declares what this file reads of package kernels.
const streamSource = `package kernels
type stream struct { key [2]uint32; op, step uint32 }`

// beginWithStream is begin for a signature that names the type stream.
func (a *asm) beginWithStream(name, signature string) {
	a.begin(name, "func()")
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "stream.go", streamSource, 0)
	if err != nil {
		panic(err)
	}
	config := types.Config{Importer: importer.Default()}
	pkg, err := config.Check("kernels", set, []*ast.File{file}, nil)
	if err != nil {
		panic(err)
	}
	s, err := gotypes.ParseSignatureInPackage(pkg, signature)
	if err != nil {
		panic(err)
	}
	a.Signature(s)
}

// dropout draws for two vectors of counters at a time, then for one with the lanes that are left.
func (a *asm) dropout() {
	a.beginWithStream("dropout", "func(y, x []float32, at uint64, s stream, threshold uint32, scale float32)")
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
