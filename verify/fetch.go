package verify

import (
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// fetcher reads and hashes the samples of a step while the one before it runs. What it gives does not depend on when it was read.
type fetcher struct {
	data   *job.Dataset
	order  *job.Order
	hasher *job.SampleHasher
	steps  uint64
	now    *fetched
	ahead  *fetched
	flying chan struct{} // closed when ahead is there; nil if nothing is on its way
}

// fetched is the samples of a step.
type fetched struct {
	step    uint64
	ids     []int64
	samples [][]byte // as they are stored
	leaves  []merkle.Hash
	err     error
}

func newFetcher(d *job.Dataset, order *job.Order, steps uint64, rows int) *fetcher {
	memory := func() *fetched {
		return &fetched{step: steps, ids: make([]int64, rows), samples: d.Layout().Batch(rows), leaves: make([]merkle.Hash, rows)}
	}
	return &fetcher{data: d, order: order, hasher: d.Layout().Hasher(), steps: steps, now: memory(), ahead: memory()}
}

// take gives the samples of a step, valid until the next call, and begins to read those of the step after it.
func (f *fetcher) take(step uint64) (*fetched, error) {
	f.land()
	if f.ahead.step != step {
		f.read(f.ahead, step)
	}
	f.now, f.ahead = f.ahead, f.now
	if next := step + 1; f.now.err == nil && next < f.steps {
		flying := make(chan struct{})
		f.flying = flying
		go func() {
			defer close(flying)
			f.read(f.ahead, next)
		}()
	}
	return f.now, f.now.err
}

// land waits for what is on its way.
func (f *fetcher) land() {
	if f.flying != nil {
		<-f.flying
		f.flying = nil
	}
}

// read reads and hashes samples, and refuses those that are not what was committed to.
func (f *fetcher) read(to *fetched, step uint64) {
	to.step = step
	if to.err = f.order.Fill(step, to.ids); to.err != nil {
		return
	}
	if to.err = f.data.Read(to.samples, to.ids); to.err != nil {
		return
	}
	for i := range to.leaves {
		to.leaves[i] = f.hasher.Leaf(to.samples, i)
	}
	to.err = f.data.Check(to.leaves, to.ids)
}
