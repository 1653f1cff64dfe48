package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/semaphore"

	"github.com/verifyd/verifyd/proofs/translog"
)

// Errors that callers tell apart.
var (
	// ErrInUse means that another process writes the log.
	ErrInUse = errors.New("the log is in use by another process")
	// ErrClosed means that the log was closed.
	ErrClosed = errors.New("the log is closed")
	// ErrStopped means that the disk failed. Nothing that was acknowledged is
	// lost: it is appended when the log is opened again.
	ErrStopped = errors.New("the log stopped; open it again when the cause is gone")
)

// A Log writes a log. One process writes at a time; within it, any number of
// goroutines.
type Log struct {
	*Folder
	gate    Gate // may be nil
	add     tessera.AddFn
	stop    context.CancelFunc // of all that runs
	unlock  func() error
	journal *journal
	logger  *slog.Logger
	watcher sync.WaitGroup
	swept   int64 // full tiles of entries that are swept

	room      *semaphore.Weighted // for entries on their way
	turn      chan struct{}       // held by the batch that is brought into the tree
	wake      chan struct{}       // something waits, or the log closes
	committed chan struct{}       // closed when nothing is on its way any more

	mu      sync.Mutex
	places  map[tlog.Hash]int64     // where each entry is
	coming  map[tlog.Hash]*addition // on their way
	waiting []*addition             // of those, not yet recorded
	size    int64                   // of the tree, as far as it was grown here
	now     published
	err     error // what stopped the log
	closed  bool
}

// published is what is published at a time.
type published struct {
	signed []byte
	size   int64
	err    error         // why it cannot be told
	over   chan struct{} // closed when it is that no more
}

// An addition is an entry on its way into the tree.
type addition struct {
	entry *tessera.Entry
	leaf  tlog.Hash
	index int64
	err   error
	done  chan struct{}
}

// Append appends entries of 1 to 65,535 bytes and returns their indexes, in
// order. When it returns they are on the disk and in the tree for good; they
// are published with the next checkpoint. An entry that is in the log already
// keeps its index. If the log's gate does not admit them none is appended.
//
// With an error, including that of ctx, an entry may be in the log or not;
// appending it again settles it.
func (l *Log) Append(ctx context.Context, entries ...[]byte) ([]int64, error) {
	for _, e := range entries {
		if err := checkEntry(e); err != nil {
			return nil, err
		}
	}
	if l.gate != nil {
		if err := l.gate.Admit(l.lacking(entries)); err != nil {
			return nil, err
		}
	}
	additions := make([]*addition, 0, len(entries))
	for rest := entries; len(rest) > 0; {
		n := min(len(rest), maxBatch)
		taken, err := l.take(ctx, rest[:n])
		if err != nil {
			return nil, err
		}
		additions = append(additions, taken...)
		rest = rest[n:]
	}
	indexes := make([]int64, len(additions))
	for i, a := range additions {
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("appending to the log: %w", ctx.Err())
		}
		if a.err != nil {
			return nil, a.err
		}
		indexes[i] = a.index
	}
	return indexes, nil
}

// lacking are those of some entries that are not in the tree.
func (l *Log) lacking(entries [][]byte) [][]byte {
	leaves := make([]tlog.Hash, len(entries))
	for i, e := range entries {
		leaves[i] = translog.LeafHash(e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lacking := make([][]byte, 0, len(entries))
	for i, e := range entries {
		if _, ok := l.places[leaves[i]]; !ok {
			lacking = append(lacking, e)
		}
	}
	return lacking
}

// take puts entries on their way, once there is room for them.
func (l *Log) take(ctx context.Context, entries [][]byte) ([]*addition, error) {
	if err := l.room.Acquire(ctx, int64(len(entries))); err != nil {
		return nil, fmt.Errorf("appending to the log: %w", err)
	}
	taken := make([]*addition, len(entries))
	for i, e := range entries {
		ready := tessera.NewEntry(bytes.Clone(e)) // hashes it
		taken[i] = &addition{entry: ready, leaf: tlog.Hash(ready.LeafHash()), done: make(chan struct{})}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.err != nil {
		l.room.Release(int64(len(entries)))
		if l.err != nil {
			return nil, l.err
		}
		return nil, ErrClosed
	}
	known := 0
	for i, a := range taken {
		if index, ok := l.places[a.leaf]; ok {
			a.index = index
			close(a.done)
			known++
			continue
		}
		if first, ok := l.coming[a.leaf]; ok {
			taken[i] = first
			known++
			continue
		}
		l.coming[a.leaf] = a
		l.waiting = append(l.waiting, a)
	}
	l.room.Release(int64(known))
	l.nudge()
	return taken, nil
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Published waits until a checkpoint of at least size entries is published, and
// returns it as it is signed. With witnesses that do not answer it waits for
// as long as ctx lets it.
func (l *Log) Published(ctx context.Context, size int64) ([]byte, error) {
	for {
		l.mu.Lock()
		now := l.now
		l.mu.Unlock()
		if now.err != nil {
			return nil, now.err
		}
		if now.signed != nil && now.size >= size {
			return now.signed, nil
		}
		select {
		case <-now.over:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a checkpoint of %d entries, the published one has %d: %w", size, now.size, ctx.Err())
		}
	}
}

// Close waits until everything appended is under a published checkpoint, for
// as long as ctx lets it, and ends the use of the log. What is not published
// by then is kept, and published when the log is opened again.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	l.mu.Unlock()
	l.nudge()
	<-l.committed

	l.mu.Lock()
	size, failed := l.size, l.err
	l.mu.Unlock()
	var err error
	if failed == nil {
		_, err = l.Published(ctx, size)
	}
	l.stop()
	l.watcher.Wait()
	_, c, cpErr := l.Checkpoint()
	if errors.Is(cpErr, ErrNoCheckpoint) {
		cpErr = nil
	}
	return errors.Join(failed, err, cpErr, l.journal.close(c.Size), l.sweep(c.Size), l.Folder.Close(), l.unlock())
}
