package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// examined is the report on a machine with one GPU whose kernels the interpreter runs, as open has it.
func examined(t *testing.T, open func(engine.Accelerator) (engine.Accelerator, error)) *Report {
	t.Helper()
	house := kernelstest.Interpreter(t)
	r, err := Examine(t.Context(), Options{
		System: &System{GPUs: []cgo.Info{{Name: "interpreter", Major: 7}}},
		Open: func(ctx context.Context, _ cgo.Info, words int) (engine.Accelerator, error) {
			a, err := house.Memory(ctx, words)
			if err != nil {
				return nil, err
			}
			return open(a)
		},
		sizes:     sizes{words: 1 << 10, gemm: 40, repeat: 1, steps: 1},
		trainings: enginetest.Small,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestADeviceThatGivesTheKnownBitsIsRight(t *testing.T) {
	t.Parallel()
	r := examined(t, func(a engine.Accelerator) (engine.Accelerator, error) { return a, nil })
	if !r.Sound || len(r.Devices) < 2 {
		t.Errorf("%+v", r)
	}
	for _, d := range r.Devices {
		if d.State != Right || len(d.Advice)+len(d.Wrong) > 0 || d.Error != "" || d.Checks < 80 {
			t.Errorf("%+v", d)
		}
		if s := d.Speed; s == nil || !(s.Copy > 0 && s.GEMM > 0 && s.Hash > 0 && s.Step > 0) {
			t.Errorf("%s: speed %+v", d.Name, s)
		}
	}
	if last := r.Devices[len(r.Devices)-1]; last.Name != "cuda:0" || last.GPU.Capability != "7.0" {
		t.Errorf("%+v", last)
	}
	data, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(data), `"state":"right"`) {
		t.Errorf("%s, %v", data, err)
	}
}

// flaky changes the last bit of a word of what a kernel wrote.
type flaky struct {
	engine.Accelerator
	kernel string
	hit    []kernels.Range // outputs of routines with the kernel, by number
}

func (f *flaky) Record(ctx context.Context, r launch.Routine) (int, error) {
	hit := kernels.Range{}
	for _, c := range r.Calls {
		if slices.ContainsFunc(c.Plan.Launches, func(l launch.Launch) bool { return strings.HasPrefix(l.Kernel, f.kernel) }) {
			hit = c.Operands[len(c.Operands)-1]
		}
	}
	f.hit = append(f.hit, hit)
	return f.Accelerator.Record(ctx, r)
}

func (f *flaky) Run(ctx context.Context, routine int, in, out []uint32) error {
	if err := f.Accelerator.Run(ctx, routine, in, out); err != nil || f.hit[routine].Words == 0 {
		return err
	}
	word := make([]uint32, 1)
	at := f.hit[routine].Offset + f.hit[routine].Words/2
	if err := f.Read(ctx, word, at); err != nil {
		return err
	}
	word[0] ^= 1
	return f.Write(ctx, at, word)
}

func TestADeviceWithOneWrongBitIsRefused(t *testing.T) {
	t.Parallel()
	r := examined(t, func(a engine.Accelerator) (engine.Accelerator, error) {
		return &flaky{Accelerator: a, kernel: "drn1_gemm"}, nil
	})
	d := r.Devices[len(r.Devices)-1]
	if r.Sound || d.State != Wrong || d.Speed != nil {
		t.Errorf("sound %v, %+v", r.Sound, d)
	}
	if d.Wrong[0] != "gemm" {
		t.Errorf("wrong in %v", d.Wrong)
	}
	if len(d.Advice) != 1 || !strings.HasPrefix(d.Advice[0], "cuda:0 computes wrong bits in gemm") ||
		!strings.Contains(d.Advice[0], "do not verify with it; run the vendor's memory test, see the ECC counts; the CPU serves") {
		t.Errorf("advice %q", d.Advice)
	}
	for _, other := range r.Devices[:len(r.Devices)-1] {
		if other.State != Right {
			t.Errorf("%+v", other)
		}
	}
}

func TestADeviceThatGivesUpIsRefusedAndOneThatCannotIsNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		state State
		sound bool
		says  string
	}{
		{errors.New("fell off the bus"), Failed, false, "cuda:0 failed: "},
		{cgo.ErrUnsupported, Unfit, true, "cuda:0 cannot run verifyd: "},
	} {
		r := examined(t, func(engine.Accelerator) (engine.Accelerator, error) { return nil, c.err })
		d := r.Devices[len(r.Devices)-1]
		if r.Sound != c.sound || d.State != c.state || !strings.Contains(d.Error, c.err.Error()) || len(d.Advice) != 1 ||
			!strings.HasPrefix(d.Advice[0], c.says) || !strings.HasSuffix(d.Advice[0], "the CPU serves") {
			t.Errorf("sound %v, %+v", r.Sound, d)
		}
	}
}

func TestTheSensorsOfADeviceBecomeAdvice(t *testing.T) {
	s := subject{Device: Device{
		Name: "cuda:3", GPU: &GPU{}, State: Right,
		Health: &Health{Uncorrected: 2, RowsPending: true, RowsFailed: true},
		Xids:   []cgo.Xid{13, 79},
	}}
	s.advise()
	if len(s.Advice) != 4 || !strings.Contains(s.Advice[0], "uncorrected memory errors (2)") || !strings.Contains(s.Advice[3], "Xid 79") {
		t.Errorf("%q", s.Advice)
	}
}

func TestAWrongReferenceEndsTheExamination(t *testing.T) {
	s := subject{Device: Device{Name: "cpu generic", State: Wrong, Wrong: []string{"sum", "gemm", "tanh", "gelu", "add"}}}
	s.advise()
	if want := "cpu generic, the reference, computes wrong bits in sum, gemm, tanh and 2 more: verify nothing on this machine; test its processor and memory"; len(s.Advice) != 1 || s.Advice[0] != want {
		t.Errorf("%q", s.Advice)
	}
}

func TestAMachineWithoutADriverSaysSo(t *testing.T) {
	s := Look(t.Context(), cgo.Options{Library: "no-such-library.so"})
	if !strings.Contains(s.Driver.Missing, cgo.ErrNoDriver.Error()) || len(s.GPUs) > 0 {
		t.Errorf("%+v", s)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
