package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// accumulators is how many vectors of partial sums are kept in registers.
const accumulators = 8

// laneSum is R128 over n terms (contract.md section 3): lane i%128 takes the terms in
// ascending order, then the lanes fold by halves. The result is in the lowest lane.
//
// With AVX-512 the 128 lanes are 8 registers. With AVX2 they are 16, more than there are beside the
// terms' own, so the upper 64 lanes are summed first, in a pass of their own. The passes read
// different elements, and lanes never meet before the fold, so the bits are the same.
func (a *asm) laneSum(n reg.GPVirtual, term func(cursor) value) reg.VecVirtual {
	span := accumulators * a.lanes // lanes of a pass
	acc := make([]reg.VecVirtual, accumulators)
	for k := range acc {
		acc[k] = a.vec()
	}
	if span == 128 {
		a.lanePass(n, 0, acc, term)
	} else {
		upper := a.AllocLocal(accumulators * a.bytes())
		skip, fold := a.label("short"), a.label("fold")
		a.CMPQ(n, operand.Imm(uint64(span)))
		a.JLE(operand.LabelRef(skip))
		a.lanePass(n, span, acc, term)
		for k := range acc {
			a.VMOVUPS(acc[k], upper.Offset(k*a.bytes()))
		}
		a.Label(skip)
		a.lanePass(n, 0, acc, term)
		a.CMPQ(n, operand.Imm(uint64(span)))
		a.JLE(operand.LabelRef(fold)) // the upper lanes are +0, which adds nothing
		for k := range acc {
			a.VADDPS(upper.Offset(k*a.bytes()), acc[k], acc[k])
		}
		a.Label(fold)
	}
	return a.foldAccumulators(acc)
}

// foldAccumulators folds eight vectors of lanes.
func (a *asm) foldAccumulators(acc []reg.VecVirtual) reg.VecVirtual {
	for h := accumulators / 2; h > 0; h /= 2 {
		for k := range h {
			a.VADDPS(acc[k+h], acc[k], acc[k])
		}
	}
	return a.foldLanes(acc[0], a.VADDPS)
}

// laneSumInMemory is laneSum for terms that are long to compute: the lanes are on the stack, so that
// the term is written once for all of them and has all the registers.
func (a *asm) laneSumInMemory(n reg.GPVirtual, chains int, term func(cursor) value) reg.VecVirtual {
	lanes := a.AllocLocal(4 * 128)
	zero := a.vec()
	a.VXORPS(zero, zero, zero)
	for at := 0; at < 4*128; at += a.bytes() {
		a.VMOVUPS(zero, lanes.Offset(at))
	}
	base := a.GP64()
	a.LEAQ(lanes, base)
	a.each(n, chains, func(c cursor) {
		v := c.only(term(c))
		lane := a.GP64()
		a.MOVQ(c.index, lane)
		a.ANDQ(operand.U8(127), lane)
		sum := cursor{a: a, index: lane, chains: c.chains}
		sum.increase(base, v)
	})
	acc := make([]reg.VecVirtual, accumulators)
	for k := range acc {
		acc[k] = a.vec()
		a.VMOVUPS(lanes.Offset(k*a.bytes()), acc[k])
		if !a.wide() {
			a.VADDPS(lanes.Offset((k+accumulators)*a.bytes()), acc[k], acc[k])
		}
	}
	return a.foldAccumulators(acc)
}

// lanePass sums the lanes from first on, one register of acc after another.
func (a *asm) lanePass(n reg.GPVirtual, first int, acc []reg.VecVirtual, term func(cursor) value) {
	for _, r := range acc {
		a.VXORPS(r, r, r)
	}
	index, left := a.GP64(), a.GP64()
	a.MOVQ(operand.I32(first), index)
	a.MOVQ(n, left)
	loop, rest, done := a.label("lanes"), a.label("rest"), a.label("done")
	a.CMPQ(left, operand.Imm(128))
	a.JLT(operand.LabelRef(rest))
	a.Label(loop)
	for k, r := range acc {
		a.VADDPS(term(cursor{a: a, index: index, offset: k * a.bytes(), chains: 1})[0], r, r)
	}
	a.ADDQ(operand.Imm(128), index)
	a.SUBQ(operand.Imm(128), left)
	a.CMPQ(left, operand.Imm(128))
	a.JGE(operand.LabelRef(loop))

	a.Label(rest)
	if first > 0 {
		a.SUBQ(operand.Imm(uint64(first)), left)
	}
	for k, r := range acc {
		partial, next := a.label("partial"), a.label("next")
		a.CMPQ(left, operand.Imm(uint64(a.lanes)))
		a.JLT(operand.LabelRef(partial))
		a.VADDPS(term(cursor{a: a, index: index, offset: k * a.bytes(), chains: 1})[0], r, r)
		a.SUBQ(operand.Imm(uint64(a.lanes)), left)
		a.JMP(operand.LabelRef(next))
		a.Label(partial)
		a.TESTQ(left, left)
		a.JLE(operand.LabelRef(done))
		c := cursor{a: a, index: index, offset: k * a.bytes(), chains: 1, tail: a.first(left)}
		a.VADDPS(c.only(term(c))[0], r, r)
		a.JMP(operand.LabelRef(done))
		a.Label(next)
	}
	a.Label(done)
}

// foldLanes folds the lanes of a vector by halves with op, into the lowest lane.
func (a *asm) foldLanes(v reg.VecVirtual, op func(...operand.Op)) reg.VecVirtual {
	if a.wide() {
		upper := a.YMM()
		a.VEXTRACTF64X4(operand.U8(1), v, upper)
		op(upper, v.AsY(), v.AsY())
	}
	half := a.XMM()
	a.VEXTRACTF128(operand.U8(1), v.AsY(), half)
	op(half, v.AsX(), v.AsX())
	for _, order := range []uint8{0x0e, 0x01} {
		a.VPSHUFD(operand.U8(order), v.AsX(), half)
		op(half, v.AsX(), v.AsX())
	}
	return v
}

// result returns the lowest lane of v as the i-th result.
func (a *asm) result(v reg.VecVirtual, i int) {
	c, err := a.ReturnIndex(i).Resolve()
	if err != nil {
		panic(err)
	}
	a.VMOVSS(v.AsX(), c.Addr)
}
