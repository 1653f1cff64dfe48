//go:build cgo && linux && amd64

package cgo_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

func TestATrainingOnAcceleratorsHasTheDigestsOfTheCPU(t *testing.T) {
	f := computing(t)
	f.Control("memory 1073741824")
	g := f.open(f.options())
	d := accelerated{g, must(cgo.NewKernels(g))(t), 64 << 20}
	enginetest.Test(t, d, 3)
	check(t, d.kernels.Close())
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestSeveralAcceleratorsOfOneDeviceWorkSideBySide(t *testing.T) {
	f := computing(t)
	f.Control("memory 1073741824")
	g := f.open(f.options())
	d := accelerated{g, must(cgo.NewKernels(g))(t), 64 << 20}
	sideBySide(t, d, 3)
	check(t, d.kernels.Close())
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestARoutineKeepsItsWorkspaceWhenALaterOneNeedsMore(t *testing.T) {
	f := computing(t)
	f.Control()
	g := f.open(f.options())
	set := must(cgo.NewKernels(g))(t)
	const small, large = 70000, 330000 // workspaces of 2 and 6 words
	a := must(cgo.NewAccelerator(background, g, set, 2*large+1, 8<<20))(t)
	x, got := make([]uint32, large), make([]uint32, 1)
	for i := range x {
		x[i] = math.Float32bits(float32(i%97) / 8)
	}
	first := must(a.Record(background, squares(t, small)))(t)
	check(t, a.Run(background, first, x[:small], got))
	want := got[0]
	second := must(a.Record(background, squares(t, large)))(t)
	for range 2 {
		check(t, a.Run(background, second, x, got))
		if check(t, a.Run(background, first, x[:small], got)); got[0] != want {
			t.Errorf("%#x, %#x before another routine was recorded", got[0], want)
		}
	}
	check(t, a.Close(background))
	check(t, set.Close())
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestNothingIsCompiledOrAllocatedWithinACapture(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	a := must(cgo.NewAccelerator(background, g, must(cgo.NewKernels(g))(t), 3000, 1<<20))(t)
	f.Control()
	must(a.Record(background, squares(t, 1000)))(t)
	calls := f.calls()
	calls = calls[slices.Index(calls, "cuStreamBeginCapture_v2")+1 : slices.Index(calls, "cuStreamEndCapture")]
	for _, call := range calls {
		if !slices.Contains([]string{"cuCtxSetCurrent", "cuLaunchKernel", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2"}, call) {
			t.Errorf("%s within a capture", call)
		}
	}
	check(t, a.Close(background))
	check(t, g.Close(background))
}

func TestARunAllocatesNothing(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	const n = 1000
	a := must(cgo.NewAccelerator(background, g, must(cgo.NewKernels(g))(t), 3*n, 1<<20))(t)
	routine := must(a.Record(background, squares(t, n)))(t)
	in, out := make([]uint32, n), make([]uint32, 1)
	f.Control()
	if got := testing.AllocsPerRun(10, func() { check(t, a.Run(background, routine, in, out)) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if calls := f.calls(); slices.Contains(calls, "cuMemAlloc_v2") || slices.Contains(calls, "cuMemHostAlloc") || slices.Contains(calls, "cuLaunchKernel") {
		t.Errorf("the driver was asked for more than a graph: %v", calls)
	}
	check(t, a.Close(background))
	check(t, g.Close(background))
}

func TestMemoryIsZeroAndKeepsWhatIsWritten(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	const n = 3<<20 + 5 // words: several pinned buffers
	a := must(cgo.NewAccelerator(background, g, must(cgo.NewKernels(g))(t), n, 16<<20))(t)
	got := make([]uint32, n)
	check(t, a.Read(background, got, 0))
	if slices.ContainsFunc(got, func(w uint32) bool { return w != 0 }) {
		t.Error("a new memory is not zero")
	}
	want := make([]uint32, n)
	for i := range want[7 : n-2] {
		want[7+i] = uint32(i) * 2654435761
	}
	written := slices.Clone(want[7 : n-2])
	check(t, a.Write(background, 7, written))
	clear(written) // the caller's again
	check(t, a.Read(background, got, 0))
	if !slices.Equal(got, want) {
		t.Error("other words came back")
	}
	check(t, a.Write(background, n, nil))
	check(t, a.Read(background, nil, 0))
	check(t, a.Close(background))
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestWhatLiesOutsideTheMemoryIsRefused(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	set := must(cgo.NewKernels(g))(t)
	const n = 100
	a := must(cgo.NewAccelerator(background, g, set, 3*n, 1<<20))(t)
	routine := must(a.Record(background, squares(t, n)))(t)
	record := func(change func(*launch.Routine)) error {
		r := squares(t, n)
		change(&r)
		_, err := a.Record(background, r)
		return err
	}
	set0 := func(r kernels.Range) func(*launch.Routine) {
		return func(x *launch.Routine) { x.Calls[0].Operands[0] = r }
	}
	argument := func(arg launch.Arg) func(*launch.Routine) {
		return func(x *launch.Routine) { x.Calls[1].Plan.Launches[0].Args[0] = arg }
	}
	words := make([]uint32, 3*n+1)
	_, negative := cgo.NewAccelerator(background, g, set, -1, 1<<20)
	other := f.open(f.options())
	_, foreign := cgo.NewAccelerator(background, other, set, n, 1<<20)
	for name, err := range map[string]error{
		"a negative memory":         negative,
		"another device's kernels":  foreign,
		"a write past the end":      a.Write(background, 3*n-1, words[:2]),
		"a write before the start":  a.Write(background, -1, words[:1]),
		"a read past the end":       a.Read(background, words, 0),
		"a read far past the end":   a.Read(background, words[:1], math.MaxInt),
		"an operand past the end":   record(set0(kernels.Range{Offset: 2 * n, Words: n + 1})),
		"a negative operand":        record(set0(kernels.Range{Offset: -1, Words: 1})),
		"an operand of less":        record(set0(kernels.Range{Offset: 0, Words: -1})),
		"an operand that overflows": record(set0(kernels.Range{Offset: math.MaxInt, Words: math.MaxInt})),
		"an operand that wraps":     record(set0(kernels.Range{Offset: 1 << 62, Words: 1})),
		"in past the end":           record(func(x *launch.Routine) { x.In.Offset = 3 * n }),
		"out past the end":          record(func(x *launch.Routine) { x.Out = kernels.Range{Offset: 0, Words: math.MaxInt} }),
		"no operands":               record(func(x *launch.Routine) { x.Calls[0].Operands = nil }),
		"a negative operand index":  record(argument(launch.Arg{Kind: launch.Buffer, Index: -1})),
		"an offset that overflows":  record(argument(launch.Arg{Kind: launch.Buffer, Offset: math.MaxInt})),
		"an offset that wraps":      record(argument(launch.Arg{Kind: launch.Buffer, Offset: 1 << 62})),
		"a negative offset":         record(argument(launch.Arg{Kind: launch.Buffer, Offset: -1})),
		"an unknown argument":       record(argument(launch.Arg{Kind: 9})),
		"an unknown kernel":         record(func(x *launch.Routine) { x.Calls[0].Plan.Launches[0].Kernel = "drn1_none" }),
		"a routine that is not":     a.Run(background, 1, nil, nil),
		"a negative routine":        a.Run(background, -1, nil, nil),
		"too many words in":         a.Run(background, routine, words[:n+1], words[:1]),
		"no room for what comes":    a.Run(background, routine, words[:n], nil),
	} {
		if !errors.Is(err, cgo.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, a.Run(background, routine, words[:n], words[:1]))
	check(t, a.Close(background))
	for name, err := range map[string]error{
		"close": a.Close(background), "write": a.Write(background, 0, words[:1]), "read": a.Read(background, words[:1], 0),
		"run": a.Run(background, routine, words[:n], words[:1]), "record": record(func(*launch.Routine) {}),
	} {
		if !errors.Is(err, cgo.ErrClosed) {
			t.Errorf("%s of a closed accelerator: %v", name, err)
		}
	}
	check(t, other.Close(background))
	check(t, g.Close(background))
	f.requireNoLeak()
}
