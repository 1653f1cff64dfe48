package gpu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// Server is a device as its child serves it.
type Server struct {
	// Open makes an accelerator with a memory of so many words. It is called from several goroutines.
	Open func(ctx context.Context, words int) (engine.Accelerator, error)
	// Fault is what ends the device for this process, and nil as long as it is sound.
	Fault func() error
}

// session is one connection.
type session struct {
	*Server
	line     line
	in       *bufio.Reader
	words    int // of the accelerator
	device   engine.Accelerator
	routines []recorded
	chunk    []uint32
	head     [answerSize]byte
}

// recorded is a routine and memory for what goes in and out.
type recorded struct {
	number  int // that the accelerator gave
	in, out []uint32
}

// serve answers the requests of a connection until it is closed. An error is one of the protocol, or the
// device's fault, which has been answered.
func (s *Server) serve(ctx context.Context, conn io.ReadWriteCloser) (err error) {
	defer conn.Close()
	c := &session{Server: s, line: line{Writer: conn}, in: bufio.NewReaderSize(conn, 1<<16)}
	defer func() {
		if c.device != nil && s.Fault() == nil {
			err = errors.Join(err, c.device.Close(ctx))
		}
	}()
	for {
		var head [requestSize]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			return nil // the parent has closed the connection, or is gone
		}
		r, err := parseRequest(&head)
		if err != nil {
			return err
		}
		out, err := c.handle(ctx, r)
		if errors.Is(err, errProtocol) {
			return err
		}
		if err := c.reply(out, err); err != nil {
			return nil
		}
		if err := s.Fault(); err != nil {
			return err
		}
	}
}

// reply sends the answer to a request.
func (c *session) reply(out []uint32, failed error) error {
	a, payload := answer{statusOK, uint32(4 * len(out))}, bytesOf(out)
	if failed != nil {
		payload = encodeFailure(failed)
		a = answer{statusFailed, uint32(len(payload))}
	}
	a.put(&c.head)
	return c.line.send(c.head[:], payload)
}

// handle does what a request asks, and reads its payload whatever else goes wrong.
func (c *session) handle(ctx context.Context, r request) (out []uint32, err error) {
	if (r.op == opOpen) != (c.device == nil) {
		return nil, fmt.Errorf("%w: request %d out of turn", errProtocol, r.op)
	}
	switch r.op {
	case opOpen:
		return nil, c.open(ctx, r)
	case opWrite:
		words := c.buffer(int(r.length / 4))
		if _, err := io.ReadFull(c.in, bytesOf(words)); err != nil {
			return nil, fmt.Errorf("%w: %w", errProtocol, err)
		}
		at, err := c.part(r.a, len(words))
		if err != nil {
			return nil, err
		}
		return nil, c.device.Write(ctx, at, words)
	case opRead:
		at, err := c.part(r.a, int(r.b))
		if err != nil {
			return nil, err
		}
		words := c.buffer(int(r.b))
		return words, c.device.Read(ctx, words, at)
	case opRecord:
		return c.record(ctx, r)
	case opRun:
		return c.run(ctx, r)
	default: // opClose
		device := c.device
		c.device = nil
		return nil, device.Close(ctx)
	}
}

func (c *session) open(ctx context.Context, r request) (err error) {
	if r.a > math.MaxInt/4 {
		return fail(cgo.ErrOutOfMemory, "%d words of 4 bytes", r.a)
	}
	c.device, err = c.Open(ctx, int(r.a))
	if err != nil {
		c.device = nil
	}
	c.words = int(r.a)
	return err
}

// buffer is memory for a chunk of n words.
func (c *session) buffer(n int) []uint32 {
	if c.chunk == nil {
		c.chunk = make([]uint32, chunk)
	}
	return c.chunk[:n]
}

// part checks a range of the memory.
func (c *session) part(offset uint64, words int) (at int, err error) {
	if words < 0 || words > c.words || offset > uint64(c.words-words) {
		return 0, fail(cgo.ErrInvalid, "%d words from word %d on of a memory of %d", words, offset, c.words)
	}
	return int(offset), nil
}

func (c *session) record(ctx context.Context, r request) ([]uint32, error) {
	data, err := readPayload(c.in, r.length)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	routine, err := decodeRoutine(data)
	if err != nil {
		return nil, err
	}
	for _, part := range []kernels.Range{routine.In, routine.Out} {
		if _, err := c.part(uint64(part.Offset), part.Words); err != nil {
			return nil, err
		}
		if part.Words > maxPayload/4 {
			return nil, fail(cgo.ErrUnsupported, "%d words in or out of a routine, %d at most", part.Words, maxPayload/4)
		}
	}
	number, err := c.device.Record(ctx, routine)
	if err != nil {
		return nil, err
	}
	c.routines = append(c.routines, recorded{number, make([]uint32, routine.In.Words), make([]uint32, routine.Out.Words)})
	return nil, nil
}

func (c *session) run(ctx context.Context, r request) ([]uint32, error) {
	if r.a >= uint64(len(c.routines)) || int64(r.length) != 4*int64(len(c.routines[r.a].in)) {
		return nil, fmt.Errorf("%w: %d bytes for routine %d", errProtocol, r.length, r.a)
	}
	routine := &c.routines[r.a]
	if _, err := io.ReadFull(c.in, bytesOf(routine.in)); err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	return routine.out, c.device.Run(ctx, routine.number, routine.in, routine.out)
}
