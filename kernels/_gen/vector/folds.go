package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// folds writes the chains of additions that are a GEMM with a factor of one.
func folds(a *asm) {
	a.foldRows()
	a.foldColumns()
}

// foldRows keeps a strip of sums in registers and goes down the rows.
func (a *asm) foldRows() {
	a.begin("foldRows", "func(sum, x []float32, stride, n int)")
	sum, x, cols := a.base("sum"), a.base("x"), a.length("sum")
	stride, n := a.integer("stride"), a.integer("n")
	a.SHLQ(operand.U8(2), stride)
	a.each(cols, accumulators, func(c cursor) {
		acc := c.load(sum)
		row, left := a.GP64(), a.GP64()
		a.LEAQ(c.mem(x, 0), row)
		a.MOVQ(n, left)
		loop, done := a.label("row"), a.label("bottom")
		a.TESTQ(left, left)
		a.JLE(operand.LabelRef(done))
		a.Label(loop)
		r := cursor{a: a, chains: c.chains, tail: c.tail}
		for i := range acc {
			if c.tail == nil {
				a.VADDPS(r.mem(row, i), acc[i], acc[i])
			} else {
				a.VADDPS(r.load(row)[0], acc[i], acc[i])
			}
		}
		a.ADDQ(stride, row)
		a.DECQ(left)
		a.JNE(operand.LabelRef(loop))
		a.Label(done)
		c.store(acc, sum)
	})
	a.end()
}

// foldColumns takes eight rows at once, an element of each in turn: every sum is a chain of its own,
// and eight of them fill the adders.
func (a *asm) foldColumns() {
	a.begin("foldColumns", "func(sum, x []float32, stride, n int)")
	sum, x, left := a.base("sum"), a.base("x"), a.length("sum")
	stride, n := a.integer("stride"), a.integer("n")
	a.SHLQ(operand.U8(2), stride)
	stride3, x3, x6 := a.GP64(), a.GP64(), a.GP64()
	a.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	for _, rows := range []int{8, 1} {
		next, done := a.label("rows"), a.label("end")
		a.CMPQ(left, operand.Imm(uint64(rows)))
		a.JLT(operand.LabelRef(done))
		a.Label(next)
		a.LEAQ(operand.Mem{Base: x, Index: stride3, Scale: 1}, x3)
		a.LEAQ(operand.Mem{Base: x, Index: stride3, Scale: 2}, x6)
		// element i of each row: rows 0, 1, 2 and 4 from x, 3, 5 and 7 from x3, 6 from x6.
		at := []operand.Mem{
			{Base: x}, {Base: x, Index: stride, Scale: 1}, {Base: x, Index: stride, Scale: 2},
			{Base: x3}, {Base: x, Index: stride, Scale: 4}, {Base: x3, Index: stride, Scale: 2},
			{Base: x6}, {Base: x3, Index: stride, Scale: 4},
		}[:rows]
		acc := make([]reg.VecVirtual, rows)
		for i := range acc {
			acc[i] = a.XMM()
			a.VMOVSS(operand.Mem{Base: sum, Disp: 4 * i}, acc[i])
		}
		count, element, stored := a.GP64(), a.label("element"), a.label("sums")
		a.MOVQ(n, count)
		a.TESTQ(count, count)
		a.JLE(operand.LabelRef(stored))
		a.Label(element)
		for i, m := range at {
			a.VADDSS(m, acc[i], acc[i])
		}
		for _, p := range []reg.Register{x, x3, x6} {
			a.ADDQ(operand.U8(4), p)
		}
		a.DECQ(count)
		a.JNE(operand.LabelRef(element))
		a.Label(stored)
		for i := range acc {
			a.VMOVSS(acc[i], operand.Mem{Base: sum, Disp: 4 * i})
		}
		a.ADDQ(operand.U8(4*rows), sum)
		// x stands behind the first row's elements: back to its start, then rows down.
		back := a.GP64()
		a.MOVQ(n, back)
		a.SHLQ(operand.U8(2), back)
		a.SUBQ(back, x)
		step := a.GP64()
		a.MOVQ(stride, step)
		if rows > 1 {
			a.SHLQ(operand.U8(3), step)
		}
		a.ADDQ(step, x)
		a.SUBQ(operand.Imm(uint64(rows)), left)
		a.CMPQ(left, operand.Imm(uint64(rows)))
		a.JGE(operand.LabelRef(next))
		a.Label(done)
	}
	a.end()
}

// integer loads an int argument.
func (a *asm) integer(name string) reg.GPVirtual {
	r := a.GP64()
	a.Load(a.Param(name), r)
	return r
}
