package metamorphic

import (
	"errors"
	"math"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

// oneBit is a runner that gets the lowest bit of one number wrong in one operator.
type oneBit struct{ *kernels.CPU }

func (b oneBit) Run(op kernels.Operator, bufs []kernels.Buf) error {
	err := b.CPU.Run(op, bufs)
	if _, ok := op.(kernels.AttentionGrad); ok {
		dx := bufs[len(bufs)-1].F
		dx[0] = math.Float32frombits(math.Float32bits(dx[0]) ^ 1)
	}
	return err
}

// found tells the histories of the gate until one is wrong, which must be.
func found(t *testing.T, w Workshop, devices []engine.Device) *Wrong {
	t.Helper()
	for first := uint64(0); first < 1000; first += 40 {
		tally, err := told(t.Context(), w, devices, first, 40)
		var wrong *Wrong
		if errors.As(err, &wrong) {
			t.Logf("found within %d histories:\n%v", first+tally["histories"], wrong)
			return wrong
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("not found in 1000 histories")
	return nil
}

func TestOneBitThatThreeThreadsGetWrongInOneOperatorIsFound(t *testing.T) {
	devices := cpus(t)
	for i, d := range devices {
		if d.Name() == "cpu generic, 3 threads" {
			devices[i] = engine.NewCPU(d.Name(), oneBit{newCPU(t, kernels.Generic, 3)}, 3)
		}
	}
	wrong := found(t, workshop(t), devices)
	again, err := told(t.Context(), workshop(t), devices, wrong.Number, 1)
	var repeated *Wrong
	if !errors.As(err, &repeated) || *repeated != *wrong || again["histories"] > 1 {
		t.Errorf("told alone, history %d ends otherwise: %v", wrong.Number, err)
	}
}

// firstCome is a conclusion that takes the mismatch that came first for the first one.
func firstCome(c *verify.Case, results []verify.Result) (*verify.Verdict, error) {
	var first *verify.Result
	for i := range results {
		switch r := &results[i]; {
		case r.Mismatch == nil:
		case first == nil:
			first = r
		case r.Segment != first.Segment:
			_, r.Steps = c.Terms.Job.Segment(r.Segment)
			r.Mismatch, r.Measure = nil, &verify.Measure{}
		}
	}
	return c.Conclude(results)
}

func TestAConclusionThatDependsOnTheOrderOfResultsIsFound(t *testing.T) {
	w := workshop(t)
	w.conclude = firstCome
	found(t, w, cpus(t))
}
