package gpu

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/launch"
)

// remote is an accelerator at the other end of a connection. It implements engine.Accelerator.
type remote struct {
	conn wire
	line line
	in   *bufio.Reader
	// gone explains a connection that broke; overdue, one that gave no answer in time.
	gone, overdue func(error) error
	// failed is told of failures that the child answered.
	failed   func(*failure)
	routines []launch.Routine // only In and Out
	head     [requestSize]byte
	answer   [answerSize]byte
	broken   error // what ended the connection
}

// wire is a connection whose reads and writes fail with os.ErrDeadlineExceeded if they take too long.
type wire interface {
	io.ReadWriteCloser
	// interrupt fails them at once, from another goroutine.
	interrupt()
}

func newRemote(conn wire, gone, overdue func(error) error, failed func(*failure)) *remote {
	return &remote{
		conn: conn, line: line{Writer: conn}, in: bufio.NewReaderSize(conn, 1<<16),
		gone: gone, overdue: overdue, failed: failed,
	}
}

// open reserves the memory.
func (a *remote) open(ctx context.Context, words int) error {
	return a.ask(ctx, request{op: opOpen, a: uint64(words)}, nil, nil)
}

// Write copies words to word offset and what follows.
func (a *remote) Write(ctx context.Context, offset int, words []uint32) error {
	for len(words) > 0 {
		n := min(len(words), chunk)
		if err := a.ask(ctx, request{op: opWrite, a: uint64(offset)}, words[:n], nil); err != nil {
			return err
		}
		offset, words = offset+n, words[n:]
	}
	return nil
}

// Read copies words from word offset and what follows.
func (a *remote) Read(ctx context.Context, words []uint32, offset int) error {
	for len(words) > 0 {
		n := min(len(words), chunk)
		if err := a.ask(ctx, request{op: opRead, a: uint64(offset), b: uint64(n)}, nil, words[:n]); err != nil {
			return err
		}
		offset, words = offset+n, words[n:]
	}
	return nil
}

// Record prepares a routine, and returns its number.
func (a *remote) Record(ctx context.Context, r launch.Routine) (int, error) {
	data, err := encodeRoutine(r)
	if err != nil {
		return 0, err
	}
	if err := a.exchange(ctx, request{op: opRecord}, data, nil); err != nil {
		return 0, err
	}
	a.routines = append(a.routines, launch.Routine{In: r.In, Out: r.Out})
	return len(a.routines) - 1, nil
}

// Run runs a routine.
func (a *remote) Run(ctx context.Context, routine int, in, out []uint32) error {
	if routine < 0 || routine >= len(a.routines) || len(in) != a.routines[routine].In.Words || len(out) != a.routines[routine].Out.Words {
		return fail(cgo.ErrInvalid, "%d words in and %d out for routine %d", len(in), len(out), routine)
	}
	return a.ask(ctx, request{op: opRun, a: uint64(routine)}, in, out)
}

// Close releases the memory. On a connection that is broken there is nothing to release.
func (a *remote) Close(ctx context.Context) error {
	if a.broken != nil {
		return nil
	}
	err := a.ask(ctx, request{op: opClose}, nil, nil)
	if a.broken == nil {
		a.broken = fail(cgo.ErrClosed, "accelerator")
		err = errors.Join(err, a.conn.Close())
	}
	return err
}

func (a *remote) ask(ctx context.Context, r request, in, out []uint32) error {
	return a.exchange(ctx, r, bytesOf(in), bytesOf(out))
}

// exchange sends a request and waits for its answer, whose payload is out. A context that ends closes the
// connection, since the answer may come when it wants to.
func (a *remote) exchange(ctx context.Context, r request, payload, out []byte) (err error) {
	if a.broken != nil {
		return a.broken
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, a.conn.interrupt)
		defer func() {
			if !stop() && a.broken == nil { // too late for this answer, but no other will come
				_ = a.end(ctx, nil)
			}
		}()
	}
	r.length = uint32(len(payload))
	r.put(&a.head)
	if err := a.line.send(a.head[:], payload); err != nil {
		return a.end(ctx, err)
	}
	if _, err := io.ReadFull(a.in, a.answer[:]); err != nil {
		return a.end(ctx, err)
	}
	head, err := parseAnswer(&a.answer, len(out))
	if err != nil {
		return a.end(ctx, err)
	}
	if head.status == statusFailed {
		data, err := readPayload(a.in, head.length)
		if err != nil {
			return a.end(ctx, err)
		}
		f, err := decodeFailure(data)
		if err != nil {
			return a.end(ctx, err)
		}
		if fatal(f) {
			a.conn.Close()
			a.broken = f
		}
		a.failed(f)
		return f
	}
	if _, err := io.ReadFull(a.in, out); err != nil {
		return a.end(ctx, err)
	}
	return nil
}

// end closes a connection that can no longer be used, and says why.
func (a *remote) end(ctx context.Context, err error) error {
	a.conn.Close()
	switch {
	case ctx.Err() != nil:
		a.broken = context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		a.broken = a.overdue(err)
	default:
		a.broken = a.gone(err)
	}
	return a.broken
}
