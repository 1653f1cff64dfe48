package verify_test

import (
	"reflect"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
)

func TestACurveIsTheSameOnEveryProcessorAndHasAPointForEachSegment(t *testing.T) {
	data := blobs(t, 40, 7)
	run := func(isa kernels.ISA, threads int, steps, stride uint64, start bool) *gate.Curve {
		c, err := verify.CurveRun{
			Program: mlp(), Profile: kernels.ProfileF32, Data: data, Start: verify.Start{Seed: 11}, Dropout: 12, Steps: steps, Stride: stride,
			Drawn: merkle.Hash{1}, StartOnly: start, Device: newDevice(t, "cpu", isa, threads),
		}.Measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	whole := run(kernels.Auto, 1, 23, 3, false)
	if again := run(kernels.Generic, 3, 23, 3, false); !reflect.DeepEqual(whole, again) {
		t.Errorf("%+v on one processor, %+v on another", whole, again)
	}
	if len(whole.Points) != 8 || whole.Every != 1 {
		t.Errorf("%d points, every %d", len(whole.Points), whole.Every)
	}
	alone := run(kernels.Auto, 1, 23, 3, true)
	if len(alone.Points) != 1 || !reflect.DeepEqual(alone.Points[0], whole.Points[0]) || alone.Every != 0 || !alone.Reference().Alone() {
		t.Errorf("the start alone is %+v", alone)
	}
	if long := run(kernels.Auto, 1, 2050, 1, false); len(long.Points) != 684 || long.Every != 3 {
		t.Errorf("%d points, every %d", len(long.Points), long.Every)
	}
	for _, c := range []*gate.Curve{whole, alone} {
		file, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gate.ReadCurve(verify.CurveFile, file); err != nil {
			t.Error(err)
		}
	}
}

func TestNoCurveIsMadeOfARunThatDivergesOrOfAJobThatIsNone(t *testing.T) {
	p := mlp()
	p.Schedule.Rate, p.Schedule.Warmup, p.ClipNorm = 1e30, 0, 0
	for name, c := range map[string]struct {
		change func(*verify.CurveRun)
		class  fault.Class
	}{
		"diverges":   {func(r *verify.CurveRun) { r.Program = p }, fault.NotFinite},
		"no steps":   {func(r *verify.CurveRun) { r.Steps = 0 }, fault.BadTerms},
		"no stride":  {func(r *verify.CurveRun) { r.Stride = 0 }, fault.BadTerms},
		"other data": {func(r *verify.CurveRun) { r.Data = blobs(t, 40, 8) }, fault.WrongType},
	} {
		r := verify.CurveRun{
			Program: mlp(), Profile: kernels.ProfileF32, Data: blobs(t, 40, 7), Steps: 23, Stride: 3, Device: newDevice(t, "cpu", kernels.Auto, 1),
		}
		c.change(&r)
		if curve, err := r.Measure(t.Context()); fault.Of(err) != c.class || curve != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
