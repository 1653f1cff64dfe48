package verify

import (
	"context"
	"io"
	"sync"
)

// DefaultReadAhead is the limit of a zero Options.ReadAhead, in bytes.
const DefaultReadAhead = 4 << 20

// aheadBlock is the size of the blocks that are read ahead. There are at least two.
const aheadBlock = 256 << 10

// readAhead checks and decompresses opened segments, one after another, while a device is busy with what
// was read before. It never holds more than its blocks.
type readAhead struct {
	stop context.CancelFunc
	done sync.WaitGroup
	free chan []byte // blocks to fill
	full []chan block
	at   int // segments that next has returned
}

// block is content of a segment, or the error behind its content.
type block struct {
	memory  []byte // to be given back
	content []byte // what is left of it
	err     error
}

// readAhead starts to read segments.
func (q *inquiry) readAhead(ctx context.Context, segments []OpenedSegment, limit int) *readAhead {
	if limit <= 0 {
		limit = DefaultReadAhead
	}
	blocks := max(2, limit/aheadBlock)
	ctx, stop := context.WithCancel(ctx)
	a := &readAhead{stop: stop, free: make(chan []byte, blocks)}
	for range blocks {
		a.free <- nil // allocated when it is needed
	}
	for range segments {
		a.full = append(a.full, make(chan block, blocks+2)) // sending never blocks
	}
	a.done.Go(func() {
		for i, s := range segments {
			err := q.fill(ctx, a, s, a.full[i])
			if err != nil {
				a.full[i] <- block{err: err}
			}
			close(a.full[i])
			if err != nil {
				return
			}
		}
	})
	return a
}

// fill reads one segment into blocks.
func (q *inquiry) fill(ctx context.Context, a *readAhead, s OpenedSegment, to chan<- block) error {
	bytes, err := segmentBytes(q.terms.segmentInfos(s.Segment))
	if err != nil {
		return err
	}
	return q.files.segment(s, bytes, func(_ string, r io.Reader) error {
		to <- block{} // the file has been checked
		for {
			var b block
			select {
			case b.memory = <-a.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if b.memory == nil {
				b.memory = make([]byte, aheadBlock)
			}
			n, err := io.ReadFull(r, b.memory)
			b.content = b.memory[:n]
			to <- b
			switch err {
			case nil:
			case io.EOF, io.ErrUnexpectedEOF:
				return nil
			default:
				return err
			}
		}
	})
}

// next returns the content of the next segment, once that of the one before has been read to its end. The
// file is the one that the worker signed for.
func (a *readAhead) next() (io.Reader, error) {
	a.at++
	first := <-a.full[a.at-1]
	return &aheadReader{ahead: a, from: a.full[a.at-1]}, first.err
}

// close ends the reading and waits for it.
func (a *readAhead) close() {
	a.stop()
	a.done.Wait()
}

// aheadReader reads one segment.
type aheadReader struct {
	ahead *readAhead
	from  <-chan block
	now   block
	err   error // that ends it
}

// Read implements io.Reader.
func (r *aheadReader) Read(p []byte) (int, error) {
	for len(r.now.content) == 0 && r.err == nil {
		if r.now.memory != nil {
			r.ahead.free <- r.now.memory
			r.now.memory = nil
		}
		b, ok := <-r.from
		if !ok {
			b.err = io.EOF
		}
		r.now, r.err = b, b.err
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.now.content)
	r.now.content = r.now.content[n:]
	return n, nil
}
