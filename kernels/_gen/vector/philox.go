package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// philox draws words of a stream. A counter has a 64-bit lane to itself, so that one VPMULUDQ is its
// 32x32-bit product; only the lower half of a lane means anything between the rounds.
type philox struct {
	*asm
	counter reg.VecVirtual // 4*lanes words from here are next
	keys    operand.Mem    // the ten round keys
}

const philoxRounds = 10

// philox starts the stream s at element at.
func (a *asm) philox() *philox {
	p := &philox{asm: a, keys: a.AllocLocal(8 * philoxRounds), counter: a.vec()}
	for i, step := range []uint32{0x9E3779B9, 0xBB67AE85} {
		k := a.GP32()
		a.Load(a.Param("s").Index(i), k)
		for round := range philoxRounds {
			a.MOVL(k, p.keys.Offset(8*round+4*i))
			a.ADDL(operand.U32(step), k)
		}
	}
	at := a.GP64()
	a.Load(a.Param("at"), at)
	a.SHRQ(operand.U8(2), at)
	first := a.XMM()
	a.MOVQ(at, first)
	a.VPBROADCASTQ(first, p.counter)
	a.VPADDQ(a.countersInOrder(), p.counter, p.counter)
	return p
}

// countersInOrder are the counters of a vector's 64-bit lanes, such that interleaving the low and the
// high lanes of words 0,1 and words 2,3 gives the words in their order.
func (a *asm) countersInOrder() operand.Mem {
	lanes := make([]uint64, a.lanes/2)
	for i := range lanes {
		lanes[i] = uint64(i/2 + i%2*len(lanes)/2)
	}
	return a.table("counters", lanes)
}

// next is the next 2*groups vectors of words, in order.
func (p *philox) next(groups int) value {
	a := p.asm
	quads := a.table("quads", repeated(uint64(a.lanes/2), a.lanes/2))
	var x [4]value
	for range groups {
		c := a.vec()
		a.VMOVUPS(p.counter, c)
		x[0] = append(x[0], c)
		a.VPADDQ(quads, p.counter, p.counter)
	}
	x[1] = a.shift(a.VPSRLQ, x[0], 32)
	x[2] = a.argument(a.Param("s").Index(2))
	x[3] = a.argument(a.Param("s").Index(3))
	for round := range philoxRounds {
		p0 := a.binary(a.VPMULUDQ, x[0], a.bits(0xD2511F53))
		p1 := a.binary(a.VPMULUDQ, x[2], a.bits(0xCD9E8D57))
		x[0] = a.xor(a.xor(a.shift(a.VPSRLQ, p1, 32), x[1]), a.broadcast(p.keys.Offset(8*round)))
		x[2] = a.xor(a.xor(a.shift(a.VPSRLQ, p0, 32), x[3]), a.broadcast(p.keys.Offset(8*round+4)))
		x[1], x[3] = p1, p0
	}
	lower := value{a.table("lower", repeated(1<<32-1, a.lanes/2))}
	pair := func(x, y value) value { return a.or(a.and(x, lower), a.shift(a.VPSLLQ, y, 32)) }
	first, second := pair(x[0], x[1]), pair(x[2], x[3])
	low, high := a.binary(a.VPUNPCKLQDQ, first, second), a.binary(a.VPUNPCKHQDQ, first, second)
	var words value
	for i := range low {
		words = append(words, low[i], high[i])
	}
	return words
}
