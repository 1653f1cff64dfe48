package interpreter

import (
	"fmt"
	"math/bits"
)

// warp is 32 threads in step.
type warp struct {
	k    *kernel
	mem  *memory
	n    []lanes  // registers of up to 32 bits
	w    []lanes2 // registers of 64 bits
	args []uint64

	live   uint32 // threads that have not returned
	parked uint32 // of those, the ones that wait at a barrier or shuffle for the others
	at     int    // the next instruction of all live threads, unless apart
	apart  bool
	pc     [32]int // where the threads are, if apart

	steps uint64 // instructions of threads
}

func newWarp(k *kernel, mem *memory, args []uint64) *warp {
	w := &warp{k: k, mem: mem, n: make([]lanes, k.narrow), w: make([]lanes2, k.wide), args: args}
	for c, i := range k.constants {
		for l := range 32 {
			if c.wide {
				w.w[i][l] = c.value
			} else {
				w.n[i][l] = uint32(c.value)
			}
		}
	}
	return w
}

// begin puts the threads from first on at the kernel's first instruction.
func (w *warp) begin(first int, block, dim, grid [3]uint32) {
	for l := range uint32(32) {
		t := uint32(first) + l
		tid := [3]uint32{t % dim[0], t / dim[0] % dim[1], t / (dim[0] * dim[1])}
		for i := range 3 {
			w.n[i][l], w.n[3+i][l], w.n[6+i][l], w.n[9+i][l] = tid[i], block[i], dim[i], grid[i]
		}
	}
	w.live, w.parked, w.at, w.apart = 0xffffffff, 0, 0, false
}

// next is the next instruction and the threads that execute it: of threads apart those furthest back.
func (w *warp) next() (at int, mask uint32, err error) {
	if !w.apart {
		return w.at, w.live, nil
	}
	ready := w.live &^ w.parked
	if ready == 0 {
		ready, w.parked = w.live, 0
		at = w.pc[bits.TrailingZeros32(ready)]
		for m := ready; m != 0; m &= m - 1 {
			if w.pc[bits.TrailingZeros32(m)] != at {
				return 0, 0, fmt.Errorf("the threads of a warp wait at different barriers or shuffles")
			}
		}
		w.apart, w.at = false, at
		return at, ready, nil
	}
	at = int(^uint(0) >> 1)
	for m := ready; m != 0; m &= m - 1 {
		l := bits.TrailingZeros32(m)
		switch {
		case w.pc[l] < at:
			at, mask = w.pc[l], 1<<l
		case w.pc[l] == at:
			mask |= 1 << l
		}
	}
	if mask == w.live {
		w.apart, w.at = false, at
	}
	return at, mask, nil
}

// jump lets the threads of mask go on at at.
func (w *warp) jump(mask uint32, at int) {
	if !w.apart && mask == w.live {
		w.at = at
		return
	}
	if !w.apart {
		for l := range w.pc {
			w.pc[l] = w.at
		}
		w.apart = true
	}
	for m := mask; m != 0; m &= m - 1 {
		w.pc[bits.TrailingZeros32(m)] = at
	}
}

// run executes until all threads wait for the block or have returned.
func (w *warp) run() error {
	for w.live != 0 {
		at, mask, err := w.next()
		if err != nil {
			return err
		}
		in := &w.k.code[at]
		active := mask
		if in.guard >= 0 {
			active = w.where(in.guard, in.negated, mask)
		}
		w.steps += uint64(bits.OnesCount32(active))
		switch in.kind {
		case compute:
			w.compute(in, active)
		case parameter:
			w.parameter(in, active)
		case load, store:
			err = w.access(in, active)
		case branch:
			if rest := mask &^ active; rest == 0 {
				w.jump(mask, in.target)
			} else if active == 0 {
				w.jump(mask, at+1)
			} else {
				w.jump(rest, at+1)
				w.jump(active, in.target)
			}
			continue
		case exit:
			if rest := mask &^ active; rest != 0 {
				w.jump(rest, at+1)
			}
			w.live &^= active
			continue
		case barrier, shuffle:
			if mask != w.live {
				w.parked |= mask
				continue
			}
			w.parked = 0
			if in.kind == barrier {
				w.jump(mask, at+1)
				return nil
			}
			err = w.shuffle(in)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.text, err)
		}
		w.jump(mask, at+1)
	}
	return nil
}

// where are the threads of mask whose predicate holds.
func (w *warp) where(predicate int, negated bool, mask uint32) uint32 {
	var holds uint32
	for l, p := range &w.n[predicate] {
		holds |= p << l
	}
	if negated {
		holds = ^holds
	}
	return holds & mask
}

// compute executes an operation. Threads that are not active keep their destination.
func (w *warp) compute(in *instruction, active uint32) {
	if active != 0xffffffff && in.op.kinds[0] == 'w' {
		old := w.w[in.d]
		w.operate(in)
		restore((*[32]uint64)(&w.w[in.d]), (*[32]uint64)(&old), active)
	} else if active != 0xffffffff {
		old := w.n[in.d]
		w.operate(in)
		restore((*[32]uint32)(&w.n[in.d]), (*[32]uint32)(&old), active)
	} else {
		w.operate(in)
	}
}

// operate executes an operation in all threads.
func (w *warp) operate(in *instruction) {
	a, b, c := in.src[0], in.src[1], in.src[2]
	switch in.op.kinds {
	case "nn", "nnn", "nnnn":
		in.op.n(&w.n[in.d], &w.n[a], &w.n[b], &w.n[c])
	case "ww", "www":
		in.op.w(&w.w[in.d], &w.w[a], &w.w[b])
	case "wn", "wnn":
		in.op.up(&w.w[in.d], &w.n[a], &w.n[b])
	case "nw", "nww":
		in.op.down(&w.n[in.d], &w.w[a], &w.w[b])
	case "wwn":
		in.op.mixed(&w.w[in.d], &w.w[a], &w.w[a], &w.n[b])
	case "wwwn":
		in.op.mixed(&w.w[in.d], &w.w[a], &w.w[b], &w.n[c])
	case "wwnn":
		in.op.field(&w.w[in.d], &w.w[a], &w.n[b], &w.n[c])
	}
}

// restore undoes what an operation did to threads that are not active.
func restore[T uint32 | uint64](d, old *[32]T, active uint32) {
	for m := ^active; m != 0; m &= m - 1 {
		l := bits.TrailingZeros32(m)
		d[l] = old[l]
	}
}

func (w *warp) parameter(in *instruction, active uint32) {
	for m := active; m != 0; m &= m - 1 {
		l := bits.TrailingZeros32(m)
		if in.wide {
			w.w[in.d][l] = w.args[in.target]
		} else {
			w.n[in.d][l] = uint32(w.args[in.target])
		}
	}
}

// shuffle needs all 32 threads.
func (w *warp) shuffle(in *instruction) error {
	if w.live != 0xffffffff {
		return fmt.Errorf("%d of the 32 threads of a warp reach a shuffle", bits.OnesCount32(w.live))
	}
	given := w.n[in.src[0]]
	for l, by := range w.n[in.src[1]] {
		from := uint32(l)
		switch in.mode {
		case "bfly":
			from ^= by
		case "down":
			from += by
		case "idx":
			from = by & 31
		}
		if from < 32 {
			w.n[in.d][l] = given[from]
		} else {
			w.n[in.d][l] = given[l]
		}
	}
	return nil
}

// access loads or stores.
func (w *warp) access(in *instruction, active uint32) error {
	words := 1
	if in.wide {
		words = 2
	}
	address := &w.w[in.address]
	for m := active; m != 0; m &= m - 1 {
		l := bits.TrailingZeros32(m)
		at := address[l] + in.offset
		data, err := w.mem.words(at, in.shared, words*len(in.values))
		if err != nil {
			return err
		}
		for i, r := range in.values {
			switch {
			case in.kind == load && in.wide:
				w.w[r][l] = uint64(data[2*i]) | uint64(data[2*i+1])<<32
			case in.kind == load:
				w.n[r][l] = data[i]
			case in.wide:
				data[2*i], data[2*i+1] = uint32(w.w[r][l]), uint32(w.w[r][l]>>32)
			default:
				data[i] = w.n[r][l]
			}
		}
	}
	return nil
}
