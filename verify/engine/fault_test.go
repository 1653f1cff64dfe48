package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

var errBroken = errors.New("broken")

// blank is an accelerator that computes nothing and fails in one of its calls.
type blank struct {
	memory   []uint32
	routines []launch.Routine
	calls    []string // names of the methods called
	broken   int      // index of the call that fails
	closed   int
}

// device opens b.
func (b *blank) device() engine.Device {
	return device("blank", func(_ context.Context, words int) (engine.Accelerator, error) {
		if err := b.call("open"); err != nil {
			return nil, err
		}
		b.memory = make([]uint32, words)
		return b, nil
	})
}

func (b *blank) call(name string) error {
	b.calls = append(b.calls, name)
	if len(b.calls)-1 == b.broken {
		return fmt.Errorf("%s: %w", name, errBroken)
	}
	return nil
}

func (b *blank) Write(_ context.Context, offset int, words []uint32) error {
	copy(b.memory[offset:][:len(words)], words)
	return b.call("write")
}

func (b *blank) Read(_ context.Context, words []uint32, offset int) error {
	copy(words, b.memory[offset:][:len(words)])
	return b.call("read")
}

func (b *blank) Record(_ context.Context, r launch.Routine) (int, error) {
	b.routines = append(b.routines, r)
	return len(b.routines) - 1, b.call("record")
}

func (b *blank) Run(_ context.Context, routine int, in, out []uint32) error {
	r := b.routines[routine]
	if len(in) != r.In.Words || len(out) != r.Out.Words {
		return fmt.Errorf("routine %d: %d words in and %d out", routine, len(in), len(out))
	}
	copy(b.memory[r.In.Offset:], in)
	copy(out, b.memory[r.Out.Offset:])
	return b.call("run")
}

func (b *blank) Close(context.Context) error {
	b.closed++
	return b.call("close")
}

// life is everything that an engine is asked, until something fails.
func life(ctx context.Context, d engine.Device, s *engine.Spec) (err error) {
	e, err := d.Start(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(ctx)) }()
	keep := func([][]float32) error { return nil }
	if err := e.Init(ctx, 1); err != nil {
		return err
	}
	for at := range uint64(2) {
		if _, err := e.Step(ctx, at); err != nil {
			return err
		}
	}
	if _, err := e.Digests(ctx); err != nil {
		return err
	}
	if err := e.Save(ctx, keep); err != nil {
		return err
	}
	return e.Load(ctx, keep)
}

func TestWhateverFailsOnAnAcceleratorIsTheDevices(t *testing.T) {
	s := spec(t, programs()["mlp, nesterov, clipped"])
	sound := &blank{broken: -1}
	must(t, life(t.Context(), sound.device(), s))
	for _, name := range []string{"open", "write", "read", "record", "run", "close"} {
		if !slices.Contains(sound.calls, name) {
			t.Errorf("%s is never called", name)
		}
	}
	for i, name := range sound.calls {
		b := &blank{broken: i}
		err := life(t.Context(), b.device(), s)
		if !errors.Is(err, engine.ErrDevice) || !errors.Is(err, errBroken) || !strings.Contains(err.Error(), name) {
			t.Errorf("call %d, %s: %v", i, name, err)
		}
		if want := min(i, 1); b.closed != want {
			t.Errorf("call %d, %s: closed %d times, want %d", i, name, b.closed, want)
		}
	}
}

func TestACallerThatGivesUpDoesNotBlameTheDevice(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	e := start(t, underShim(t, kernelstest.Ascending), s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"init": e.Init(ctx, 1),
		"load": e.Load(ctx, func([][]float32) error { return nil }),
		"save": e.Save(ctx, func([][]float32) error { return nil }),
	} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrDevice) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, e.Init(t.Context(), 1))
	if _, err := e.Step(ctx, 0); !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrDevice) {
		t.Errorf("step: %v", err)
	}
}

// breaking fails in one of its runs, as a GPU does that is lost.
type breaking struct {
	engine.Accelerator
	left *int
}

func (b breaking) Run(ctx context.Context, routine int, in, out []uint32) error {
	err := b.Accelerator.Run(ctx, routine, in, out)
	if *b.left--; *b.left == 0 {
		return errBroken
	}
	return err
}

func TestADeviceThatFailedStartsAnewWithoutAnythingFromBefore(t *testing.T) {
	s := spec(t, programs()["mlp, nesterov, clipped"])
	left := 3 // the initial state and a step are run
	shim := kernelstest.Shim(t, kernelstest.Ascending)
	d := device("breaking", func(ctx context.Context, words int) (engine.Accelerator, error) {
		a, err := shim.Memory(ctx, words)
		return breaking{a, &left}, err
	})
	first := start(t, d, s)
	must(t, first.Init(t.Context(), 4))
	stepped(t, s, 0, first)
	draw(first, 1)
	if _, err := first.Step(t.Context(), 1); !errors.Is(err, engine.ErrDevice) {
		t.Fatal(err)
	}
	cpu, again := start(t, reference(t), s), start(t, d, s)
	sameState(t, s, cpu, again) // zero
	must(t, errors.Join(cpu.Init(t.Context(), 5), again.Init(t.Context(), 5)))
	stepped(t, s, 0, cpu, again)
	// Nor does the engine that failed keep what the failed step left, once it is set anew.
	must(t, first.Init(t.Context(), 5))
	stepped(t, s, 0, first)
	sameState(t, s, cpu, first)
}

func TestWhatNoKernelComputesIsTheDevicesAndOpensNothing(t *testing.T) {
	s := spec(t, program.Program{
		BatchSize: 1, Accumulation: 1, Loss: program.MSE, Optimizer: sgd, Schedule: constant,
		Graph: program.Graph{Nodes: []program.Node{
			{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 1800}}},
			{Name: "a", Inputs: []string{"x"}, Op: program.Linear{Out: 1800}},
			{Name: "b", Inputs: []string{"a"}, Op: program.Attention{Heads: 1}}, // heads of more than 512 columns
		}},
	})
	b := &blank{broken: -1}
	if _, err := b.device().Start(t.Context(), s); !errors.Is(err, engine.ErrDevice) || !errors.Is(err, launch.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	if len(b.calls) != 0 {
		t.Errorf("called: %v", b.calls)
	}
}

func TestRowsOutOfRangeAreRefusedBeforeAnythingRuns(t *testing.T) {
	s := spec(t, programs()["gpt, adamw, clipped"])
	cpu := start(t, reference(t), s)
	for name, change := range map[string]func(x, y kernels.Buf) (step uint64){
		"x: row 2: 13": func(x, _ kernels.Buf) uint64 { x.I[14] = 13; return 0 },
		"x: row 0: -1": func(x, _ kernels.Buf) uint64 { x.I[0] = -1; return 0 },
		"y: row 1: 13": func(_, y kernels.Buf) uint64 { y.I[5] = 13; return 0 },
		"step":         func(_, _ kernels.Buf) uint64 { return program.MaxSteps / 3 },
	} {
		b := &blank{broken: -1}
		e := start(t, b.device(), s)
		must(t, e.Init(t.Context(), 1))
		before := len(b.calls)
		draw(e, 0)
		_, err := e.Step(t.Context(), change(e.X(), e.Y()))
		if err == nil || errors.Is(err, engine.ErrDevice) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.calls) != before {
			t.Errorf("%s: the accelerator was asked: %v", name, b.calls[before:])
		}
		draw(cpu, 0)
		if _, other := cpu.Step(t.Context(), change(cpu.X(), cpu.Y())); other == nil || other.Error() != err.Error() {
			t.Errorf("%s: the CPU says %v", name, other)
		}
	}
}

func TestAStateThatCannotBeReadIsNotLoaded(t *testing.T) {
	b := &blank{broken: -1}
	e := start(t, b.device(), spec(t, programs()["mlp, sgd"]))
	before := len(b.calls)
	if err := e.Load(t.Context(), func([][]float32) error { return errBroken }); !errors.Is(err, errBroken) || errors.Is(err, engine.ErrDevice) {
		t.Error(err)
	}
	if err := e.Save(t.Context(), func([][]float32) error { return errBroken }); !errors.Is(err, errBroken) || errors.Is(err, engine.ErrDevice) {
		t.Error(err)
	}
	if got := b.calls[before:]; !slices.Equal(got, []string{"read"}) {
		t.Errorf("called: %v", got)
	}
}

func TestAStepOnAnAcceleratorAllocatesNothing(t *testing.T) {
	b := &blank{broken: -1, calls: make([]string, 0, 1000)}
	e := start(t, b.device(), spec(t, programs()["gpt, adamw, clipped"]))
	must(t, e.Init(t.Context(), 1))
	draw(e, 0)
	at := uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := e.Step(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Digests(t.Context()); err != nil {
			t.Fatal(err)
		}
		at++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStatesDrawnAgainRecordNothingMore(t *testing.T) {
	b := &blank{broken: -1}
	e := start(t, b.device(), spec(t, programs()["mlp, sgd"]))
	must(t, e.Init(t.Context(), 1))
	n := len(b.routines)
	for seed := range uint64(5) {
		must(t, e.Init(t.Context(), seed))
		must(t, e.Load(t.Context(), func([][]float32) error { return nil }))
	}
	if len(b.routines) != n {
		t.Errorf("%d routines, %d after the first state", len(b.routines), n)
	}
}
