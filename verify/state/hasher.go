package state

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
)

// chunk is the number of elements in a chunk of 1 MiB.
const chunk = 1 << 18

// block is the number of elements that are scanned and hashed while they stay in the cache.
const block = 1 << 14

// canonicalNaN stands for every NaN in what is hashed.
const canonicalNaN = 0x7fc00000

// Hasher computes the digests of a layout's tensors. It serves one caller at a time and allocates
// nothing after the first call that meets a NaN, an infinity or a big-endian machine.
type Hasher struct {
	layout  *Layout
	pieces  []piece
	sums    []merkle.Hash // by piece
	digests []merkle.Hash // of the layout
	workers []*worker
	tensors [][]float32
	next    atomic.Int64
	odd     atomic.Bool
	done    sync.WaitGroup
}

// piece is one chunk of a tensor.
type piece struct{ tensor, from, to int }

type worker struct {
	blake   *blake3.Hasher
	scratch []float32
	run     func()
}

// NewHasher returns a hasher that uses up to threads goroutines, one for each MiB of content at most: less
// would not repay waking one.
func NewHasher(l *Layout, threads int) *Hasher {
	h := &Hasher{layout: l, digests: make([]merkle.Hash, l.Digests())}
	for i, t := range l.specs {
		n := t.Len()
		for from := 0; from < n; from += chunk {
			h.pieces = append(h.pieces, piece{i, from, min(from+chunk, n)})
		}
	}
	h.sums = make([]merkle.Hash, len(h.pieces))
	for range max(1, min(threads, int(l.Bytes()>>20))) {
		w := &worker{blake: blake3.New()}
		w.run = func() { h.work(w); h.done.Done() }
		h.workers = append(h.workers, w)
	}
	return h
}

// Freeze has the digests of a layout with frozen tensors end with their root.
func (h *Hasher) Freeze(root merkle.Hash) { h.digests[len(h.digests)-1] = root }

// Digests hashes tensors, which are those of the layout in its order. The result is valid until the
// next call.
func (h *Hasher) Digests(tensors [][]float32) []merkle.Hash {
	h.tensors = tensors
	h.next.Store(0)
	h.odd.Store(false)
	h.done.Add(len(h.workers) - 1)
	for _, w := range h.workers[1:] {
		go w.run()
	}
	h.work(h.workers[0])
	h.done.Wait()
	h.tensors = nil
	var b merkle.Builder
	for i, p := range h.pieces {
		b.Append(merkle.LeafHash(h.sums[i][:]))
		if i+1 == len(h.pieces) || h.pieces[i+1].tensor != p.tensor {
			h.digests[p.tensor] = b.Root()
			b.Reset()
		}
	}
	return h.digests
}

// Root hashes tensors and returns the root of the state or gradient that they make with c.
func (h *Hasher) Root(c Counters, tensors [][]float32) merkle.Hash {
	return h.layout.Root(c, h.Digests(tensors))
}

// Finite says that the last call of Digests met neither a NaN nor an infinity.
func (h *Hasher) Finite() bool { return !h.odd.Load() }

func (h *Hasher) work(w *worker) {
	for {
		i := int(h.next.Add(1)) - 1
		if i >= len(h.pieces) {
			return
		}
		p := h.pieces[i]
		w.blake.Reset()
		for from := p.from; from < p.to; from += block {
			x := h.tensors[p.tensor][from:min(from+block, p.to)]
			finite := Finite(x)
			if !finite {
				h.odd.Store(true)
			}
			if !finite || !little.Native {
				x = w.canonical(x)
			}
			w.blake.Write(little.View(x))
		}
		w.blake.Sum(h.sums[i][:0])
	}
}

// canonical copies x with its NaN canonicalised, in little-endian order.
func (w *worker) canonical(x []float32) []float32 {
	if w.scratch == nil {
		w.scratch = make([]float32, block)
	}
	out := w.scratch[:len(x)]
	words := little.Words32(out)
	for i, v := range x {
		words[i] = math.Float32bits(v)
		if v != v {
			words[i] = canonicalNaN
		}
	}
	little.Swap(out)
	return out
}
