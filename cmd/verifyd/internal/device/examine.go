package device

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/doctor"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/gpu"
	"github.com/verifyd/verifyd/verify/engine"
)

// Examine lets package doctor examine this machine's devices, each GPU in a process of its own. With the name cpu it
// looks at no GPU, with that of a GPU at no other one. Progress is told what is examined next.
func Examine(ctx context.Context, o Options, progress func(device string)) (_ *doctor.Report, err error) {
	system, err := look(ctx, cmp.Or(o.Name, Auto))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, system.Close(context.WithoutCancel(ctx))) }()
	gpus := children{}
	defer gpus.close()
	return doctor.Examine(ctx, doctor.Options{System: system, Open: gpus.open, Threads: o.Threads, Progress: progress})
}

// look sees the GPUs that a name lets through.
func look(ctx context.Context, name string) (*doctor.System, error) {
	if name == CPU {
		return &doctor.System{Driver: doctor.Driver{Missing: "not looked for"}}, nil
	}
	ordinal, err := gpu.ParseName(name)
	if err != nil {
		return nil, err
	}
	system := doctor.Look(ctx, cgo.Options{})
	if ordinal == gpu.Any {
		return system, nil
	}
	system.GPUs = slices.DeleteFunc(system.GPUs, func(i cgo.Info) bool { return i.Ordinal != ordinal })
	if len(system.GPUs) > 0 {
		return system, nil
	}
	err = &UnusableError{name, cmp.Or(system.Err, cgo.ErrNoDevice)}
	return nil, errors.Join(err, system.Close(ctx))
}

// children are the processes that hold the GPUs, by ordinal.
type children map[int]*gpu.Device

func (c children) open(ctx context.Context, info cgo.Info, words int) (engine.Accelerator, error) {
	if c[info.Ordinal] == nil {
		d, err := gpu.Open(ctx, gpu.Options{Ordinal: info.Ordinal})
		if err != nil {
			return nil, err
		}
		c[info.Ordinal] = d
	}
	return c[info.Ordinal].Accelerator(ctx, words)
}

func (c children) close() {
	for _, d := range c {
		d.Close()
	}
}
