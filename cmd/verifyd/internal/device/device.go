package device

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/gpu"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// Options say what is asked for. None of them changes a bit.
type Options struct {
	Name    string       // auto, cpu or cuda:N; "" is auto
	ISA     kernels.ISA  // the processor's code path; the zero value is the best one here
	Threads int          // of the processor, and those that hash; 0 for one a processor
	Log     *slog.Logger // is told which device serves and which failed; nil is nobody
}

// Set is what computes in a process. Any number of goroutines may use it at once.
type Set struct {
	order      []engine.Device
	own, other *kernels.CPU // the code path asked for, and one that shares no assembly with it
	gpu        *gpu.Device  // the first of order; nil where none is used
	named      bool         // whether the first was asked for by its name
	log        *slog.Logger
}

// Open starts what is asked for. With auto, a machine without a GPU is no reason to complain; the error of one
// that was named and cannot be used is an *UnusableError.
func Open(ctx context.Context, o Options) (_ *Set, err error) {
	if o.Name == "" {
		o.Name = Auto
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Set{named: o.Name != Auto, log: o.Log}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.own, err = kernels.NewCPU(kernels.Options{ISA: o.ISA, Threads: o.Threads}); err != nil {
		return nil, err
	}
	if s.other, err = kernels.NewCPU(kernels.Options{ISA: besides(s.own.ISA()), Threads: o.Threads}); err != nil {
		return nil, err
	}
	if err := s.openGPU(ctx, o.Name); err != nil {
		return nil, err
	}
	if s.gpu != nil {
		s.order = append(s.order, s.gpu)
	}
	s.order = append(s.order, ofCPU(s.own), ofCPU(s.other))
	return s, nil
}

// openGPU starts the GPU of a name, if it is one.
func (s *Set) openGPU(ctx context.Context, name string) error {
	if name == CPU {
		return nil
	}
	ordinal, err := gpu.ParseName(name)
	if err != nil {
		return err
	}
	s.gpu, err = gpu.Open(ctx, gpu.Options{Ordinal: ordinal, Log: s.log})
	switch {
	case err == nil:
		s.log.Debug("computing on a gpu", "device", s.gpu.Name())
		return nil
	case s.named || ctx.Err() != nil:
		return &UnusableError{name, err}
	}
	s.log.Debug("computing on the cpu", "because", err)
	return nil
}

func ofCPU(cpu *kernels.CPU) *engine.CPU {
	name := fmt.Sprintf("cpu %v, %d threads", cpu.ISA(), cpu.Threads())
	return engine.NewCPU(name, cpu, cpu.Threads())
}

// Runner is the processor on the code path that was asked for, for work that no GPU does yet.
func (s *Set) Runner() *kernels.CPU { return s.own }

// HasGPU says whether the first device is a GPU.
func (s *Set) HasGPU() bool { return s.gpu != nil }

// Close ends the GPU's process and the processor's workers. Engines that are still open fail.
func (s *Set) Close() {
	if s.gpu != nil {
		s.gpu.Close()
	}
	for _, cpu := range []*kernels.CPU{s.own, s.other} {
		if cpu != nil {
			cpu.Close()
		}
	}
}
