//go:build cgo && linux && amd64

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/verifyd/verifyd/cgo/cgotest"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// canHaveGPU says whether the scripts can have a GPU on paper.
func canHaveGPU() (bool, error) {
	for _, compiler := range []string{cgotest.Compiler, cgotest.KernelCompiler} {
		if _, err := exec.LookPath(compiler); err != nil && os.Getenv("VERIFYD_CI") != "" {
			return false, err
		} else if err != nil {
			return false, nil
		}
	}
	return true, nil
}

// paperGPU makes the commands that follow see a GPU on which the fixture's
// program runs: gpu LINE, where the line tells the driver of package
// cgotest what goes wrong.
func paperGPU(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: gpu [WORD...]")
	}
	library, err := builtGPU()
	ts.Check(err)
	dir := ts.MkAbs("gpu")
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(cgotest.Write(dir, library, strings.Join(args, " ")))
	ts.Setenv("LD_LIBRARY_PATH", dir)
}

// builtGPU is the driver of package cgotest with the kernels that the
// fixture's program needs, compiled once for all scripts.
var builtGPU = sync.OnceValues(func() ([]byte, error) {
	p := fixtureProgram()
	pages, err := pagesOf(&p)
	if err != nil {
		return nil, err
	}
	return cgotest.Computing(pages...)
})

// valued are the operators of valuations, besides those of the fixture's program.
var valued = []kernels.Operator{
	kernels.SqDistance{M: 1, N: 1, W: 1}, kernels.KNNOrder{Rows: 1, N: 1}, kernels.KNNRecursion{Rows: 1, N: 1}, kernels.Copy{N: 1},
	kernels.CoalitionSum{Coalitions: 1, Players: 1, N: 1}, kernels.BiasAdd{N: 1, C: 1, P: 1}, kernels.CrossEntropy{Rows: 1, Classes: 1},
	kernels.LogisticResidual{Rows: 1, Columns: 1, Models: 1}, kernels.Gemm{M: 1, N: 1, K: 1, Profile: kernels.ProfileF32}, kernels.SGD{N: 1},
	kernels.Mul{N: 1},
}

// pagesOf are those with a kernel that p's engine or a valuation launches.
func pagesOf(p *program.Program) (pages []string, err error) {
	all, err := ptx.Modules()
	if err != nil {
		return nil, err
	}
	spec, err := engine.NewSpec(p, kernels.ProfileF32, 0)
	if err != nil {
		return nil, err
	}
	ctx, seen := context.Background(), &launches{}
	e, err := engine.NewAccelerated(ctx, spec, func(context.Context, int) (engine.Accelerator, error) { return seen, nil })
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.Init(ctx, 1), e.Close(ctx)); err != nil {
		return nil, err
	}
	for _, op := range valued {
		plan, err := launch.For(op)
		if err != nil {
			return nil, err
		}
		seen.see(plan)
	}
	for _, m := range all {
		if slices.ContainsFunc(m.Kernels, func(k string) bool { return slices.Contains(seen.kernels, k) }) {
			pages = append(pages, m.Name)
		}
	}
	return pages, nil
}

// launches is an accelerator that computes nothing and keeps the names of the
// kernels that it is asked to launch.
type launches struct{ kernels []string }

func (*launches) Write(context.Context, int, []uint32) error         { return nil }
func (*launches) Read(context.Context, []uint32, int) error          { return nil }
func (*launches) Run(context.Context, int, []uint32, []uint32) error { return nil }
func (*launches) Close(context.Context) error                        { return nil }
func (l *launches) Record(_ context.Context, r launch.Routine) (int, error) {
	for _, c := range r.Calls {
		l.see(c.Plan)
	}
	return 0, nil
}

func (l *launches) see(p launch.Plan) {
	for _, one := range p.Launches {
		l.kernels = append(l.kernels, one.Kernel)
	}
}
