package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pool writes the row of a 2x2 maximum with stride 2.
//
// Two vectors of a row hold the windows' left and right elements alternately. A shuffle within 128
// bits parts them and leaves the windows in an order of its own, in which everything is computed;
// only the two results are put back in place.
func pool(a *asm) {
	a.begin("maxPool2", "func(y []float32, index []int32, top, bottom []float32, at, width int32)")
	y, index, n := a.base("y"), a.base("index"), a.length("y")
	rows := []reg.GPVirtual{a.base("top"), a.base("bottom")}
	at := a.addInt(a.scalar("at"), value{a.table("twiceWindow", a.packed(func(lane int) uint32 { return uint32(2 * a.window(lane)) }))})
	width := a.scalar("width")
	a.each(n, 1, func(c cursor) {
		var best, where value
		place := at
		for row, base := range rows {
			if row > 0 {
				place = a.addInt(at, width)
			}
			left, right := a.windows(c, base)
			for side, v := range []value{left, right} {
				if side > 0 {
					place = a.addInt(place, a.bits(1))
				}
				if best == nil {
					best, where = v, place
					continue
				}
				wins := a.either(a.compare(greater, v, best), a.compare(unordered, v, v))
				best, where = a.choose(wins, v, best), a.choose(wins, place, where)
			}
		}
		c.store(a.inOrder(best), y)
		c.store(a.inOrder(where), index)
		next := at[0].(reg.VecVirtual)
		a.VPADDD(a.bits(uint32(2 * a.lanes))[0], next, next)
	})
	a.end()
}

// windows loads the left and the right elements of a vector of windows from one row.
func (a *asm) windows(c cursor, base reg.GPVirtual) (left, right value) {
	var half [2]reg.VecVirtual
	for i := range half {
		half[i] = a.vec()
		m := operand.Mem{Base: base, Index: c.index, Scale: 8, Disp: i * a.bytes()}
		if c.tail == nil {
			a.VMOVUPS(m, half[i])
			continue
		}
		n := a.GP64() // elements of this half
		a.MOVQ(c.left, n)
		a.ADDQ(c.left, n)
		if i > 0 {
			a.SUBQ(operand.Imm(uint64(a.lanes)), n)
		}
		some := a.first(a.clamp(n))
		if a.wide() {
			a.VMOVUPS_Z(m, some[0], half[i])
		} else {
			a.VMASKMOVPS(m, some[0], half[i])
		}
	}
	l, r := a.vec(), a.vec()
	a.VSHUFPS(operand.U8(0x88), half[1], half[0], l)
	a.VSHUFPS(operand.U8(0xdd), half[1], half[0], r)
	return value{l}, value{r}
}

// window is the window that lies in a lane after the shuffle: pairs from the first and the second
// half take turns.
func (a *asm) window(lane int) int {
	pair := lane / 2
	return pair/2*2 + pair%2*a.lanes/2 + lane%2
}

// inOrder puts windows back in order.
func (a *asm) inOrder(x value) value {
	lanes := make([]uint32, a.lanes)
	for lane := range lanes {
		lanes[a.window(lane)] = uint32(lane)
	}
	order := value{a.table("laneOfWindow", a.packed(func(i int) uint32 { return lanes[i] }))}
	d := a.vec()
	a.VPERMPS(x[0], a.load(order)[0], d)
	return value{d}
}

// packed is a vector in memory with f of each lane.
func (a *asm) packed(f func(lane int) uint32) []uint64 {
	words := make([]uint64, a.lanes/2)
	for i := range words {
		words[i] = uint64(f(2*i)) | uint64(f(2*i+1))<<32
	}
	return words
}
