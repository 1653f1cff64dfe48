package enginetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// newCPU is the device that others are compared with.
func newCPU() (d engine.Device, release func(), err error) {
	runner, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		return nil, nil, err
	}
	return engine.NewCPU("cpu", runner, 1), runner.Close, nil
}

// difference names the first thing that differs between two steps, or is "".
func (tr Training) difference(a, b engine.Step) string {
	if a.Loss != b.Loss {
		return "loss"
	}
	if name := tr.Spec.Gradient.FirstDifference(a.Gradients, b.Gradients); name != "" {
		return "gradient of " + name
	}
	if a.Clip != b.Clip {
		return "clip coefficient"
	}
	if name := tr.Spec.State.FirstDifference(a.Next, b.Next); name != "" {
		return "next state: " + name
	}
	if a.Finite != b.Finite {
		return "answer whether the state is finite"
	}
	return ""
}

// explain runs the CPU beside d and says where they part.
func (tr Training) explain(ctx context.Context, d engine.Device, steps uint64) string {
	text, err := tr.compare(ctx, d, steps)
	if err != nil {
		return "and beside the CPU it failed: " + err.Error()
	}
	return text
}

func (tr Training) compare(ctx context.Context, d engine.Device, steps uint64) (text string, err error) {
	cpu, release, err := newCPU()
	if err != nil {
		return "", err
	}
	defer release()
	want, err := tr.start(ctx, cpu)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, want.engine.Close(ctx)) }()
	got, err := tr.start(ctx, d)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, got.engine.Close(ctx)) }()
	if want.digest() != got.digest() {
		return "the initial state differs already", nil
	}
	for range steps {
		a, err := want.step(ctx)
		if err != nil {
			return "", err
		}
		b, err := got.step(ctx)
		if err != nil {
			return "", err
		}
		if what := tr.difference(a, b); what != "" {
			return fmt.Sprintf("the first difference is in step %d, %s", got.next-1, what), nil
		}
	}
	return "but this machine's CPU gives the same", nil
}
