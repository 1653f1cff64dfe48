package doctor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// Options say what is examined.
type Options struct {
	System *System
	// Open starts an accelerator with a memory of so many words on a GPU.
	Open    func(ctx context.Context, gpu cgo.Info, words int) (engine.Accelerator, error)
	Threads int // of the processor; 0 for all
	// Progress is told what is examined next.
	Progress func(device string)

	sizes     sizes                                 // of what is timed, if not the usual
	trainings func() ([]enginetest.Training, error) // whose first step is checked, if not the large ones
}

// subject is a device under examination.
type subject struct {
	Device
	operators optest.Backend
	engine    engine.Device
	open      func(ctx context.Context, words int) (engine.Accelerator, error) // nil for a CPU
	runner    *kernels.CPU                                                     // nil for a GPU
	sizes     sizes
}

// Examine examines the code paths of the processor, the reference first, and then every GPU. An error means
// that the examination itself could not be made.
func Examine(ctx context.Context, o Options) (*Report, error) {
	if o.trainings == nil {
		o.trainings = enginetest.Large
	}
	trainings, err := o.trainings()
	if err != nil {
		return nil, err
	}
	r := &Report{CPU: CPU{Model: processor(), Processors: runtime.NumCPU()}, Driver: o.System.Driver, Sound: true}
	var subjects []*subject
	for _, isa := range kernels.Available() {
		runner, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: o.Threads})
		if err != nil {
			return nil, err
		}
		defer runner.Close()
		r.CPU.Threads = runner.Threads()
		subjects = append(subjects, newCPU(isa, runner))
	}
	for _, gpu := range o.System.GPUs {
		subjects = append(subjects, newGPU(ctx, o, gpu))
	}
	for i, s := range subjects {
		if o.sizes != (sizes{}) {
			s.sizes = o.sizes
		}
		if i > 0 && !r.Devices[0].sound() { // nothing can be compared with it
			s.State = Skipped
			r.Devices = append(r.Devices, s.Device)
			continue
		}
		if o.Progress != nil {
			o.Progress(s.Name)
		}
		if err := s.examine(ctx, o.System, trainings); err != nil {
			return nil, err
		}
		s.advise()
		r.Sound = r.Sound && (s.sound() || s.State == Unfit)
		r.Devices = append(r.Devices, s.Device)
	}
	return r, nil
}

func (d *Device) sound() bool { return d.State == Right }

func newCPU(isa kernels.ISA, runner *kernels.CPU) *subject {
	name := fmt.Sprintf("cpu %v", isa)
	return &subject{
		Device: Device{Name: name}, operators: optest.CPU(runner), runner: runner, sizes: cpuSizes,
		engine: engine.NewCPU(name, runner, runner.Threads()),
	}
}

func newGPU(ctx context.Context, o Options, info cgo.Info) *subject {
	s := &subject{Device: Device{Name: fmt.Sprintf("cuda:%d", info.Ordinal), GPU: describe(info)}, sizes: gpuSizes}
	s.open = func(ctx context.Context, words int) (engine.Accelerator, error) { return o.Open(ctx, info, words) }
	s.operators = optest.Accelerated(ctx, s.Name, s.open)
	s.engine = engine.NewDevice(s.Name, "cuda "+info.UUID, s.open)
	return s
}

// examine checks the bits, times a device whose bits are right, and notes what the GPU's sensors say.
func (s *subject) examine(ctx context.Context, system *System, trainings []enginetest.Training) error {
	start := time.Now()
	stop := func() []cgo.Xid { return nil }
	if s.GPU != nil {
		stop = system.watch(ctx, s.GPU.UUID)
	}
	err := s.check(ctx, trainings)
	if err == nil && len(s.Wrong) == 0 {
		s.Speed, err = s.measure(ctx, trainings[len(trainings)-1])
	}
	s.Xids = stop()
	if s.GPU != nil {
		s.Health = system.health(ctx, s.GPU.UUID)
	}
	s.Seconds = time.Since(start).Seconds()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(s.Wrong) > 0:
		s.State = Wrong
	case err == nil:
		s.State = Right
	case s.GPU == nil:
		return fmt.Errorf("%s: %w", s.Name, err)
	case errors.Is(err, cgo.ErrUnsupported):
		s.State, s.Error = Unfit, err.Error()
	default:
		s.State, s.Error = Failed, err.Error()
	}
	return nil
}
