package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// align keeps arena buffers on cache lines, in elements.
const align = 16

// routine is a list of instructions with its buffers placed.
type routine struct {
	code    []instruction
	buffers []buffer
	logits  value  // the kept output of an evaluation; -1 in training
	size    [2]int // arena elements of each kind
}

// assign places the arena buffers: each lives from its first instruction to its last, and the memory
// of the dead is given to the living, best fit first. An elementwise operator whose input dies with it
// works in place. The logits, if any, live throughout.
func (r *routine) assign(accumulation int) {
	last := make([]int, len(r.buffers))
	for i, ins := range r.code {
		for _, v := range ins.bufs {
			last[v] = i
		}
	}
	var free [2]freeList
	placed := make([]bool, len(r.buffers))
	if r.logits >= 0 {
		b := &r.buffers[r.logits]
		b.offset = free[b.kind].take(accumulation * b.n)
		placed[r.logits] = true
		last[r.logits] = len(r.code)
	}
	for i, ins := range r.code {
		heir := value(-1) // the input whose memory an output takes over
		if in, out := r.inPlace(i, last, placed); in >= 0 {
			r.buffers[out].offset, placed[out] = r.buffers[in].offset, true
			heir = in
		}
		for _, v := range ins.bufs {
			if b := &r.buffers[v]; b.space == arena && !placed[v] {
				b.offset, placed[v] = free[b.kind].take(b.n), true
			}
		}
		for k, v := range ins.bufs {
			again := slices.Contains(ins.bufs[:k], v)
			if b := r.buffers[v]; b.space == arena && last[v] == i && v != heir && !again {
				free[b.kind].give(b.offset, b.n)
			}
		}
	}
	r.size = [2]int{free[kernels.F32].size, free[kernels.I32].size}
}

// inPlace returns an input of instruction i that dies with it and the output that may take its
// memory, or -1.
func (r *routine) inPlace(i int, last []int, placed []bool) (in, out value) {
	ins := r.code[i]
	k := kernels.InPlace(ins.op)
	if k == 0 {
		return -1, -1
	}
	out = ins.bufs[len(ins.bufs)-1]
	if r.buffers[out].space != arena || placed[out] {
		return -1, -1
	}
	for _, v := range ins.bufs[:k] {
		if b := r.buffers[v]; b.space == arena && last[v] == i && b.n == r.buffers[out].n && b.kind == r.buffers[out].kind {
			return v, out
		}
	}
	return -1, -1
}

// freeList hands out ranges of an arena that grows on demand.
type freeList struct {
	size int
	gaps []gap // ascending, never adjacent
}

type gap struct{ lo, hi int }

// take returns the offset of n elements, from the smallest gap that holds them.
func (f *freeList) take(n int) int {
	n = padded(n)
	best := -1
	for i, g := range f.gaps {
		if g.hi-g.lo >= n && (best < 0 || g.hi-g.lo < f.gaps[best].hi-f.gaps[best].lo) {
			best = i
		}
	}
	if best >= 0 {
		at := f.gaps[best].lo
		if f.gaps[best].lo += n; f.gaps[best].lo == f.gaps[best].hi {
			f.gaps = slices.Delete(f.gaps, best, best+1)
		}
		return at
	}
	at := f.size
	if k := len(f.gaps); k > 0 && f.gaps[k-1].hi == f.size { // grow the last gap
		at = f.gaps[k-1].lo
		f.gaps = f.gaps[:k-1]
	}
	f.size = at + n
	return at
}

// give returns n elements at an offset.
func (f *freeList) give(at, n int) {
	g := gap{at, at + padded(n)}
	i, _ := slices.BinarySearchFunc(f.gaps, g, func(a, b gap) int { return a.lo - b.lo })
	f.gaps = slices.Insert(f.gaps, i, g)
	if i+1 < len(f.gaps) && f.gaps[i].hi == f.gaps[i+1].lo {
		f.gaps[i].hi = f.gaps[i+1].hi
		f.gaps = slices.Delete(f.gaps, i+1, i+2)
	}
	if i > 0 && f.gaps[i-1].hi == f.gaps[i].lo {
		f.gaps[i-1].hi = f.gaps[i].hi
		f.gaps = slices.Delete(f.gaps, i, i+1)
	}
}

func padded(n int) int { return (n + align - 1) / align * align }
