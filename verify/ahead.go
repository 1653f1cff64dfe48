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

// readAhead decompresses opened segments, one after another, while a device is busy with what was read before.
// It never holds more than its blocks.
type readAhead struct {
	stop  context.CancelFunc
	done  sync.WaitGroup
	free  chan []byte // blocks to fill
	files []aheadFile
	at    int // files that next has returned
}

// aheadFile is one segment on its way from the source to the device.
type aheadFile struct {
	full  chan block
	ended chan struct{} // closed when no more of it is wanted
}

// block is content of a segment, or the error behind its content.
type block struct {
	memory  []byte // to be given back
	content []byte // what is left of it
	err     error
	damaged error // err, if the file is not the one that the worker signed for, or if that cannot be said
}

// readAhead starts to read segments.
func (c *Case) readAhead(ctx context.Context, segments []OpenedSegment, limit int) *readAhead {
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
		a.files = append(a.files, aheadFile{make(chan block, blocks+2), make(chan struct{})}) // sending never blocks
	}
	a.done.Go(func() {
		for i, s := range segments {
			to := a.files[i]
			last := c.fill(ctx, a.free, s, to)
			to.full <- last
			if last.err != io.EOF {
				return
			}
		}
	})
	return a
}

// fill reads one segment into blocks, and returns the last one, which says how it ended.
func (c *Case) fill(ctx context.Context, free <-chan []byte, s OpenedSegment, to aheadFile) block {
	in, err := c.openSegment(ctx, s)
	if err != nil {
		return block{err: err, damaged: err}
	}
	defer in.close()
	to.full <- block{} // there is a file
	for {
		var b block
		select {
		case b.memory = <-free:
		case <-to.ended:
			return in.last(ctx, io.EOF)
		case <-ctx.Done():
			return block{err: ctx.Err(), damaged: ctx.Err()}
		}
		if b.memory == nil {
			b.memory = make([]byte, aheadBlock)
		}
		n, err := io.ReadFull(in, b.memory)
		b.content = b.memory[:n]
		to.full <- b
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return in.last(ctx, io.EOF)
		default:
			return in.last(ctx, err)
		}
	}
}

// next returns the content of the next segment, once that of the one before has been finished.
func (a *readAhead) next() (*aheadReader, error) {
	file := a.files[a.at]
	a.at++
	first := <-file.full
	return &aheadReader{free: a.free, file: file}, first.err
}

// close ends the reading and waits for it.
func (a *readAhead) close() {
	a.stop()
	a.done.Wait()
}

// aheadReader reads one segment.
type aheadReader struct {
	free chan<- []byte
	file aheadFile
	now  block
	err  error // that ends it
}

// Read implements io.Reader.
func (r *aheadReader) Read(p []byte) (int, error) {
	for len(r.now.content) == 0 && r.err == nil {
		r.advance()
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.now.content)
	r.now.content = r.now.content[n:]
	return n, nil
}

// advance gives the block back that has been read and takes the next.
func (r *aheadReader) advance() {
	if r.now.memory != nil {
		r.free <- r.now.memory
	}
	r.now = <-r.file.full
	r.err = r.now.err
}

// finish gives up what has not been read, and returns an error unless the whole file is the one that the worker
// signed for: until then nothing that was read proves anything.
func (r *aheadReader) finish() error {
	close(r.file.ended)
	for r.err == nil {
		r.advance()
	}
	return r.now.damaged
}
