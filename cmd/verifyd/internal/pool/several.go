package pool

import (
	"context"
	"iter"
	"sync"
)

// Bundles judges bundles side by side, at most parallel at once, and yields what it finds in their order. Without a
// number, 0, it is 4 where the judge reads ahead, so that a GPU need not wait, and else 1: a replay keeps a whole
// processor busy. Progress, if set, is called with how many are judged of how many, from the goroutine that ranges over
// the result. When ctx ends it yields no more; when it returns nothing runs any longer.
func (j *Judge) Bundles(ctx context.Context, paths []string, parallel int, progress func(done, total uint64)) iter.Seq[*Judged] {
	if parallel <= 0 {
		parallel = 1
		if j.Ahead {
			parallel = 4
		}
	}
	return func(yield func(*Judged) bool) {
		work, stop := context.WithCancel(ctx)
		found := make([]*Judged, len(paths))
		ready := make(chan int, len(paths)) // so that no worker waits for the reader
		next := make(chan int, len(paths))
		for i := range paths {
			next <- i
		}
		close(next)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer stop()
		for range min(parallel, len(paths)) {
			workers.Go(func() {
				for i := range next {
					if work.Err() != nil {
						return
					}
					found[i] = j.Bundle(work, paths[i], nil)
					ready <- i
				}
			})
		}
		shown, done := 0, make([]bool, len(paths))
		for count := range len(paths) {
			select {
			case i := <-ready:
				done[i] = true
			case <-ctx.Done():
				return
			}
			if progress != nil {
				progress(uint64(count+1), uint64(len(paths)))
			}
			for ; shown < len(paths) && done[shown]; shown++ {
				if ctx.Err() != nil || !yield(found[shown]) {
					return
				}
			}
		}
	}
}
