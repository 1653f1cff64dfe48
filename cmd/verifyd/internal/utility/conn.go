package utility

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Conn is a way to a process that answers.
type Conn struct {
	in   *bufio.Reader
	out  io.Writer
	stop func()        // has a read or a write that waits end soon
	how  func() string // says how the process ended, after it closed its output; empty if that is not known
}

// Pipe is a process that started this one, which reads its questions from out and writes its answers into in.
func Pipe(in io.Reader, out io.Writer) *Conn {
	return &Conn{in: bufio.NewReaderSize(in, 64<<10), out: out, stop: func() {}, how: func() string { return "" }}
}

// send writes a line, and receives one of at most limit bytes; an empty one is not written. It returns when the context ends or
// the patience is over, even if the process does nothing; the connection is of no use then. A patience of 0 is for ever.
func (c *Conn) send(ctx context.Context, line []byte, limit int, patience time.Duration) ([]byte, error) {
	type received struct {
		line []byte
		err  error
	}
	done := make(chan received, 1) // whoever waits no longer is not waited for
	go func() {
		if len(line) > 0 {
			if _, err := c.out.Write(line); err != nil {
				done <- received{nil, errors.Join(io.ErrUnexpectedEOF, err)}
				return
			}
		}
		answer, err := readLine(c.in, limit)
		done <- received{answer, err}
	}()
	late := make(<-chan time.Time)
	if patience > 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		late = t.C
	}
	select {
	case r := <-done:
		return r.line, c.explain(r.err)
	case <-ctx.Done():
		c.stop()
		return nil, ctx.Err()
	case <-late:
		c.stop()
		return nil, &Error{Kind: Stalled, Reason: fmt.Sprintf("no answer for %v", patience)}
	}
}

func (c *Conn) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errLong):
		c.stop()
		return &Error{Kind: Protocol, Reason: err.Error()}
	}
	how := "it closed its output"
	if text := c.how(); text != "" {
		how = "its process ended: " + text
	}
	return &Error{Kind: Ended, Reason: how + " before it answered"}
}

var errLong = errors.New("a line that is too long")

// readLine reads a line of at most limit bytes, without its end. What ends without one is no line.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit+1 {
			return nil, fmt.Errorf("%w: over the limit of %d bytes", errLong, limit)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
