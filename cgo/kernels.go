package cgo

import (
	"context"
	"errors"
	"sync"

	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx"
)

// Kernels are the kernels of DRN-1 on a device. A module is compiled when its first kernel is used.
// The methods may be called from any goroutine.
type Kernels struct {
	device *Device

	mu     sync.Mutex
	source map[string]*ptx.Module // by kernel
	loaded map[string]*Module     // by module
}

// NewKernels unpacks the kernels; nothing is compiled yet.
func NewKernels(device *Device) (*Kernels, error) {
	modules, err := ptx.Modules()
	if err != nil {
		return nil, err
	}
	k := &Kernels{device: device, source: map[string]*ptx.Module{}, loaded: map[string]*Module{}}
	for i := range modules {
		for _, name := range modules[i].Kernels {
			k.source[name] = &modules[i]
		}
	}
	return k, nil
}

// Kernel is the kernel of that name.
func (k *Kernels) Kernel(ctx context.Context, name string) (*Kernel, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	source := k.source[name]
	if source == nil {
		return nil, fail(ErrInvalid, "", "no module has a kernel %s", name)
	}
	m := k.loaded[source.Name]
	if m == nil {
		var err error
		if m, err = k.device.Load(ctx, source.Name, []byte(source.Text)); err != nil {
			return nil, err
		}
		k.loaded[source.Name] = m
	}
	return m.Kernel(name)
}

// Enqueue puts a plan's launches on s, for operands in the operator's order and a workspace of at
// least the plan's size. Within a capture, every kernel of the plan must have been used before.
func (k *Kernels) Enqueue(ctx context.Context, s *Stream, plan launch.Plan, operands []Buffer, workspace Buffer) error {
	if plan.Workspace < 0 || workspace.bytes/4 < uint64(plan.Workspace) {
		return fail(ErrInvalid, "", "a workspace of %d bytes, %d words needed", workspace.bytes, plan.Workspace)
	}
	for _, l := range plan.Launches {
		kernel, err := k.Kernel(ctx, l.Kernel)
		if err != nil {
			return err
		}
		args, err := bind(l, operands, workspace)
		if err != nil {
			return err
		}
		if err := s.Launch(ctx, Launch{Kernel: kernel, Grid: l.Grid, Block: l.Block, Shared: l.Shared, Args: args}); err != nil {
			return err
		}
	}
	return nil
}

// bind turns a launch's arguments into addresses and scalars. One that begins outside its buffer is refused.
func bind(l launch.Launch, operands []Buffer, workspace Buffer) ([]Arg, error) {
	args := make([]Arg, len(l.Args))
	for i, a := range l.Args {
		var at Buffer
		switch a.Kind {
		case launch.Scalar:
			args[i] = Uint32(a.Word)
			continue
		case launch.Workspace:
			at = workspace
		case launch.Buffer:
			if a.Index < 0 || a.Index >= len(operands) {
				return nil, fail(ErrInvalid, "", "%s takes operand %d of %d", l.Kernel, a.Index, len(operands))
			}
			at = operands[a.Index]
		default:
			return nil, fail(ErrInvalid, "", "argument %d of %s is of the unknown kind %d", i, l.Kernel, a.Kind)
		}
		if a.Offset < 0 || uint64(a.Offset) > at.bytes/4 {
			return nil, fail(ErrInvalid, "", "argument %d of %s is word %d of %d bytes", i, l.Kernel, a.Offset, at.bytes)
		}
		args[i] = at.Arg() + Arg(4*a.Offset)
	}
	return args, nil
}

// Close unloads the modules. None of their kernels may be in flight.
func (k *Kernels) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var failures []error
	for _, m := range k.loaded {
		failures = append(failures, m.Close())
	}
	clear(k.loaded)
	return errors.Join(failures...)
}
