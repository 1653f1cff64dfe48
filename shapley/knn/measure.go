package knn

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// blockBytes is about how large a block of packed training rows is: a core's cache holds it while the test rows of a
// tile pass.
const blockBytes = 1 << 19

// block is some of the training rows.
type block struct {
	first, rows int
	packed      *kernels.PackedRows
}

// pack lays the training rows out in blocks for the processor's code path.
func (j *job) pack() error {
	cpu, _ := engine.Host(j.Device)
	size := max(64, blockBytes/(4*j.words)/64*64)
	j.blocks = make([]block, (j.n+size-1)/size)
	j.tile = tileRows(j.n, j.m, j.threads)
	var group errgroup.Group
	group.SetLimit(j.threads)
	for i := range j.blocks {
		group.Go(func() (err error) {
			b := &j.blocks[i]
			b.first, b.rows = i*size, min(size, j.n-i*size)
			b.packed, err = kernels.PackRows(cpu.ISA(), j.trainWords[b.first*j.words:(b.first+b.rows)*j.words], b.rows, j.words)
			return err
		})
	}
	return group.Wait()
}

// tileRows is how many test rows a worker takes at a time: each block that is read serves all of them. No more than
// 16 MiB of distances, but for eight rows, and some tiles for each worker.
func tileRows(n, m, threads int) int {
	tile := min(64, max(8, 1<<22/n))
	return max(1, min(tile, m/(4*threads)))
}

// worker makes the memory of a worker.
func (j *job) worker() *worker {
	w := &worker{job: j, tile: make([]int32, j.tile*j.n), distances: make([]int32, j.n), sums: make([]int64, j.n)}
	if j.Variant != Threshold {
		w.sorter = newSorter(j.n)
	}
	if j.Variant == Regression {
		w.exact = make([]wide, j.n)
	}
	return w
}

// values adds the values for test rows lo to hi-1.
func (w *worker) values(ctx context.Context, lo, hi int) error {
	if err := w.measure(ctx, lo, hi); err != nil {
		return err
	}
	for t := lo; t < hi; t++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.pick(t-lo, hi-lo)
		switch w.Variant {
		case Unweighted:
			w.unweighted(w.nearest(t))
		case Weighted:
			w.weighted(w.nearest(t))
		case SoftLabel:
			w.softLabel(w.nearest(t))
		case Threshold:
			w.threshold(w.distances, w.TestLabels[t])
		case Regression:
			w.regression(w.nearest(t), w.TestTargets[t])
		}
	}
	return nil
}

// nearest is the order of test row t, whose distances are picked.
func (w *worker) nearest(t int) []neighbour {
	label := int32(0)
	if w.TestLabels != nil {
		label = w.TestLabels[t]
	}
	order := w.sorter.nearest(w.distances, w.TrainLabels, label, w.kept())
	w.doubt(order, w.sorter.least)
	return order
}

// measure sets w.tile to the distances of test rows lo to hi-1: those of the first block row by row, then
// those of the next.
func (w *worker) measure(ctx context.Context, lo, hi int) error {
	from, rows := w.testWords[lo*w.words:hi*w.words], hi-lo
	for _, b := range w.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.packed.Distances(w.tile[b.first*rows:(b.first+b.rows)*rows], from, rows); err != nil {
			return err
		}
	}
	return nil
}

// pick sets w.distances to those of one of the rows that were measured together.
func (w *worker) pick(row, rows int) {
	for _, b := range w.blocks {
		copy(w.distances[b.first:b.first+b.rows], w.tile[b.first*rows+row*b.rows:])
	}
}
