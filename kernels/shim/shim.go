package shim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os/exec"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/internal/rig"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Shim is a running host. It implements optest.Backend. Run must not be called twice at a time.
type Shim struct {
	program    *Program
	ctx        context.Context
	descending bool

	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// Start runs the program until ctx ends or Close is called. With descending, threads, warps and
// blocks run from the last to the first.
func (p *Program) Start(ctx context.Context, descending bool) (*Shim, error) {
	s := &Shim{program: p, ctx: ctx, descending: descending}
	return s, s.start()
}

func (s *Shim) start() error {
	order := "ascending"
	if s.descending {
		order = "descending"
	}
	s.stderr.Reset()
	s.cmd = exec.CommandContext(s.ctx, s.program.path, order)
	s.cmd.Stderr = &s.stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	s.in, s.out = in, bufio.NewReaderSize(out, 1<<16)
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	return nil
}

// Close ends the host.
func (s *Shim) Close() error {
	if s.cmd == nil {
		return nil
	}
	s.in.Close()
	err := s.cmd.Wait()
	s.cmd = nil
	return err
}

// Name is "shim", and says if the order is descending.
func (s *Shim) Name() string {
	if s.descending {
		return "shim descending"
	}
	return "shim"
}

// Supports says whether there is a kernel for op.
func (s *Shim) Supports(op kernels.Operator) bool {
	_, err := launch.For(op)
	return err == nil
}

// Run computes op on bufs. A host that a kernel's fault ended is started again by the next Run.
func (s *Shim) Run(op kernels.Operator, bufs []kernels.Buf) error {
	plan, err := launch.For(op)
	if err != nil {
		return err
	}
	if err := s.Execute(plan, bufs); err != nil {
		return fmt.Errorf("shim: %s: %w", op.Name(), err)
	}
	return nil
}

// Execute runs a plan on operands, as Run does.
func (s *Shim) Execute(plan launch.Plan, bufs []kernels.Buf) error {
	if s.cmd == nil {
		if err := s.start(); err != nil {
			return err
		}
	}
	own, index := rig.Distinct(bufs)
	return s.ask(request(plan, own, index), func() error { return s.answer(own) })
}

// What is asked of the host, host.cpp.
const (
	compute = iota
	reserve
	write
	read
	record
	runRoutine
)

// ask sends a request and reads the answer by what is given, up to the word that ends it. If that
// fails, the host has ended or is ended, and the error has its last words.
func (s *Shim) ask(request []byte, answer func() error) error {
	_, err := s.in.Write(request)
	if err == nil {
		err = answer()
	}
	if err == nil {
		_, err = io.ReadFull(s.out, make([]byte, len("done")))
	}
	if err == nil {
		return nil
	}
	s.in.Close()
	ended := s.cmd.Wait()
	s.cmd = nil
	return fmt.Errorf("%w (%v): %s", err, ended, bytes.TrimSpace(s.stderr.Bytes()))
}

// request asks to compute a plan whose operand i is buffer index[i].
func request(plan launch.Plan, bufs []kernels.Buf, index []int) []byte {
	b := words(nil, compute, uint32(len(bufs)))
	for _, buf := range bufs {
		b = words(b, uint32(len(buf.F)+len(buf.I)))
		for _, v := range buf.F {
			b = words(b, math.Float32bits(v))
		}
		for _, v := range buf.I {
			b = words(b, uint32(v))
		}
	}
	return launches(b, plan, index)
}

// launches appends a plan whose operand i is buffer index[i].
func launches(b []byte, plan launch.Plan, index []int) []byte {
	b = words(b, uint32(plan.Workspace), uint32(len(plan.Launches)))
	for _, l := range plan.Launches {
		b = words(b, uint32(len(l.Kernel)))
		b = append(b, l.Kernel...)
		b = words(b, l.Grid[:]...)
		b = words(b, l.Block[:]...)
		b = words(b, l.Shared, uint32(len(l.Args)))
		for _, a := range l.Args {
			at := a.Index
			if a.Kind == launch.Buffer {
				at = index[at]
			}
			b = words(b, uint32(a.Kind), uint32(at), uint32(a.Offset), a.Word)
		}
	}
	return b
}

// words appends words as the host reads them.
func words(b []byte, all ...uint32) []byte {
	for _, w := range all {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// answer reads the buffers back, inputs included: a kernel that writes to one is seen.
func (s *Shim) answer(bufs []kernels.Buf) error {
	for _, buf := range bufs {
		raw := make([]byte, 4*(len(buf.F)+len(buf.I)))
		if _, err := io.ReadFull(s.out, raw); err != nil {
			return err
		}
		for i := range buf.F {
			buf.F[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		for i := range buf.I {
			buf.I[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	return nil
}
