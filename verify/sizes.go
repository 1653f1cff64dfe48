package verify

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// Sizes are what the opened segments of a program are made of: a state, and for each step its rows, their proofs and
// the digests of its tensors. In bytes, before compression.
type Sizes struct {
	State, Step uint64
	FLOPs       uint64 // of a step
}

// SizesOf are those of a program that no job names yet, on so many samples, stored as the program reads them.
func SizesOf(p *program.Program, profile kernels.Profile, samples uint64) (Sizes, error) {
	if samples < 1 || samples > job.MaxRows {
		return Sizes{}, fault.New(fault.OutOfRange, "", "samples", "%d is outside 1 to %d", samples, uint64(job.MaxRows))
	}
	spec, err := engine.NewSpec(p, profile, 0)
	if err != nil {
		return Sizes{}, err
	}
	t := &Terms{
		Job:  &job.Job{Steps: 1, Stride: 1, Data: job.Data{Samples: samples, Layout: job.LayoutFor(spec.Plan)}},
		Plan: spec.Plan, spec: spec, rows: spec.Plan.X().Shape[0],
	}
	all, err := segmentBytes(t.segmentInfos(0))
	if err != nil {
		return Sizes{}, err
	}
	state := uint64(spec.State.Bytes())
	return Sizes{State: state, Step: uint64(all) - state, FLOPs: spec.Plan.FLOPs()}, nil
}
