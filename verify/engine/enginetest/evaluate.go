package enginetest

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/verify/engine"
)

// evaluate wants the same outputs from a state on engines of the CPU and of d, and the same state afterwards.
func (tr Training) evaluate(t *testing.T, d engine.Device, cpu, e engine.Engine, from [][]float32, at uint64) {
	t.Helper()
	var want []float32
	for _, e := range []engine.Engine{cpu, e} {
		tr.load(t, e, from, at)
		outputs, err := e.Evaluate(t.Context())
		if err != nil {
			t.Fatalf("evaluation: %v", err)
		}
		if len(outputs) != tr.Spec.Plan.Output().Len() {
			t.Fatalf("%d outputs, %v wanted", len(outputs), tr.Spec.Plan.Output())
		}
		if want == nil {
			want = slices.Clone(outputs)
		}
		for i, v := range outputs {
			if math.Float32bits(v) != math.Float32bits(want[i]) {
				t.Fatalf("%s: output %d of an evaluation is %v, on the CPU %v", d.Name(), i, v, want[i])
			}
		}
		for i, x := range stateOf(t, e) {
			if !slices.Equal(x, from[i]) {
				t.Errorf("%s: an evaluation changed %s", d.Name(), tr.Spec.Plan.Tensors()[i].Name)
			}
		}
	}
}
