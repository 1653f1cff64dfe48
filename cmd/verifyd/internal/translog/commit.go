package translog

import (
	"context"
	"fmt"
	"slices"

	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/tlog"
)

// commit records what waits and brings it into the tree, batch by batch, until
// the log closes. While one batch is brought into the tree the next is
// recorded.
func (l *Log) commit() {
	defer close(l.committed)
	for {
		batch, entries, open := l.gather()
		if len(batch) > 0 {
			s, err := l.journal.record(entries)
			if err != nil {
				l.fail(batch, fmt.Errorf("%w: %w", ErrStopped, err))
				continue
			}
			l.turn <- struct{}{}
			futures := l.begin(batch)
			go func() {
				defer func() { <-l.turn }()
				l.settle(batch, futures, s)
			}()
			continue
		}
		if !open {
			l.turn <- struct{}{} // the last batch is settled
			return
		}
		<-l.wake
	}
}

// gather takes the entries that wait, as many as fit in one frame of the
// journal, and says whether more may come.
func (l *Log) gather() (batch []*addition, entries [][]byte, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries = make([][]byte, len(l.waiting))
	for i, a := range l.waiting {
		entries[i] = a.entry.Data()
	}
	n := fits(entries)
	batch = l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch, entries[:n], !l.closed
}

// begin hands a batch to Tessera, whose work does not end with a caller's
// context: what is recorded is to be in the tree.
func (l *Log) begin(batch []*addition) []tessera.IndexFuture {
	futures := make([]tessera.IndexFuture, len(batch))
	for i, a := range batch {
		futures[i] = l.add(context.Background(), a.entry)
	}
	return futures
}

// settle waits for the tree to have a batch and tells those who wait for it.
func (l *Log) settle(batch []*addition, futures []tessera.IndexFuture, s *segment) {
	var failed error
	last := int64(-1)
	for i, a := range batch {
		at, err := futures[i]()
		if err != nil {
			a.err = fmt.Errorf("%w; the entry is recorded and will be appended: %w", ErrStopped, err)
			failed = a.err
			continue
		}
		a.index = int64(at.Index)
		last = max(last, a.index)
	}
	if failed == nil {
		l.journal.place(s, len(batch), last)
	}
	l.mu.Lock()
	for _, a := range batch {
		delete(l.coming, a.leaf)
		if a.err == nil {
			l.places[a.leaf] = a.index
		}
		close(a.done)
	}
	l.size = max(l.size, last+1)
	if failed != nil && l.err == nil {
		l.err = failed
	}
	l.mu.Unlock()
	l.room.Release(int64(len(batch)))
}

// fail ends the log with an error, and everything that waits with it.
func (l *Log) fail(batch []*addition, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	batch = append(batch, l.waiting...)
	l.waiting = nil
	for _, a := range batch {
		delete(l.coming, a.leaf)
		a.err = err
		close(a.done)
	}
	l.room.Release(int64(len(batch)))
}

// bring appends recorded entries that the tree lacks, when a log is opened.
func (l *Log) bring(ctx context.Context, entries [][]byte, s *segment) error {
	var missing []*addition
	last := int64(-1)
	asked := map[tlog.Hash]bool{}
	for _, e := range entries {
		ready := tessera.NewEntry(e)
		leaf := tlog.Hash(ready.LeafHash())
		if at, ok := l.places[leaf]; ok {
			last = max(last, at)
		} else if !asked[leaf] {
			asked[leaf] = true
			if l.gate != nil {
				l.gate.Holds(e)
			}
			missing = append(missing, &addition{entry: ready, leaf: leaf})
		}
	}
	for batch := range slices.Chunk(missing, maxBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, future := range l.begin(batch) {
			at, err := future()
			if err != nil {
				return fmt.Errorf("appending what the journal holds: %w", err)
			}
			l.places[batch[i].leaf] = int64(at.Index)
			last = max(last, int64(at.Index))
		}
	}
	l.size = max(l.size, last+1)
	l.journal.place(s, len(entries), last)
	return nil
}
