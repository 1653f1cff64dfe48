//go:build cgo && linux && amd64

package cgo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/ptx"
)

// checked are the modules whose operators go through the driver one by one; the shim's own tests have them all.
var checked = []string{"relu", "sum", "softmax", "sgd", "gemm"}

// runnable says whether op needs kernels of the checked modules only.
func runnable(modules []ptx.Module, op kernels.Operator) bool {
	plan, err := launch.For(op)
	for _, l := range plan.Launches {
		if !slices.ContainsFunc(modules, func(m ptx.Module) bool {
			return slices.Contains(checked, m.Name) && slices.Contains(m.Kernels, l.Kernel)
		}) {
			return false
		}
	}
	return err == nil
}

func TestOperatorsGoThroughTheDriverWithTheBytesOfTheReference(t *testing.T) {
	f := computing(t)
	f.Control("memory 1073741824")
	g := f.open(f.options())
	b := must(cgo.NewBackend(background, g, 1<<30))(t)
	modules, counts := must(ptx.Modules())(t), map[string]int{}
	var some []optest.Case
	for _, c := range optest.Cases() {
		if name := c.Op.Name(); runnable(modules, c.Op) {
			if counts[name]++; counts[name]%7 == 1 {
				some = append(some, c)
			}
		}
	}
	check(t, optest.Check(b, some))
	if len(counts) < len(checked) {
		t.Errorf("only the operators %v", counts)
	}
	t.Logf("%d cases of %d operators on %s", len(some), len(counts), b.Name())
	check(t, b.Close(background))
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestACapturedStepOfRealKernelsReplaysTheBytesOfTheCPU(t *testing.T) {
	f := computing(t)
	f.Control()
	g := f.open(f.options())
	replay(t, g)
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestAPlanThatDoesNotFitItsBuffersIsRefused(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	set := must(cgo.NewKernels(g))(t)
	buf := must(g.NewPool(s, 1<<20).Alloc(background, 64))(t)
	for name, plan := range map[string]launch.Plan{
		"an operand too few":     {Launches: []launch.Launch{{Kernel: "relu", Args: []launch.Arg{{Index: 1}}}}},
		"behind an operand":      {Launches: []launch.Launch{{Kernel: "relu", Args: []launch.Arg{{Offset: 17}}}}},
		"a workspace too small":  {Workspace: 1},
		"a kernel that is not":   {Launches: []launch.Launch{{Kernel: "no such kernel"}}},
		"behind the workspace":   {Launches: []launch.Launch{{Kernel: "relu", Args: []launch.Arg{{Kind: launch.Workspace, Offset: 1}}}}},
		"a grid without a block": {Launches: []launch.Launch{{Kernel: "relu", Grid: [3]uint32{1, 1, 1}}}},
	} {
		if err := set.Enqueue(background, s, plan, []cgo.Buffer{buf}, cgo.Buffer{}); !errors.Is(err, cgo.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestABackendReportsWhatTheDeviceCannotTake(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	b := must(cgo.NewBackend(background, g, 1<<20))(t)
	large := kernels.ReLU{N: 1 << 20}
	bufs := []kernels.Buf{{F: make([]float32, large.N)}, {F: make([]float32, large.N)}}
	if err := b.Run(large, bufs); !errors.Is(err, cgo.ErrOutOfMemory) {
		t.Errorf("past the limit: %v", err)
	}
	f.Also("fail cuModuleLoadDataEx 0 218")
	small := kernels.ReLU{N: 8}
	bufs = []kernels.Buf{{F: make([]float32, small.N)}, {F: make([]float32, small.N)}}
	if err := b.Run(small, bufs); !errors.Is(err, cgo.ErrBadModule) || !strings.Contains(err.Error(), "relu") {
		t.Errorf("a module that the driver refuses: %v", err)
	}
	check(t, b.Run(small, bufs))
	check(t, b.Close(background))
	check(t, g.Close(background))
	f.requireNoLeak()
}
