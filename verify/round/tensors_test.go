package round

import (
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// normalised is a small network for images whose batch norm keeps statistics.
func normalised() *program.Program {
	p := verifytest.CNN()
	p.Graph = program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1, 6, 6}}},
		{Name: "conv", Op: program.Conv2D{Out: 3, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}}, Inputs: []string{"x"}},
		{Name: "bn", Op: program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, Inputs: []string{"conv"}},
		{Name: "flat", Op: program.Flatten{}, Inputs: []string{"bn"}},
		{Name: "c", Op: program.Linear{Out: 3, Bias: true}, Inputs: []string{"flat"}},
	}}
	return p
}

// TestBuffersAreTheMeanUnderEitherRuleAndFrozenTensorsStay: a momentum could make a variance negative.
func TestBuffersAreTheMeanUnderEitherRuleAndFrozenTensorsStay(t *testing.T) {
	r := newRig(t, rules[2], normalised(), 40, 20)
	b := r.open(t, 2)
	m := must(b.Aggregate(t.Context(), r.operator))(t)
	files := finalsOf(t, r, m.Aggregate.Finals)
	buffers := 0
	for i, spec := range b.spec.Plan.Base() {
		if !strings.Contains(spec.Name, "running_") {
			continue
		}
		buffers++
		for k := range spec.Len() {
			sum, total := 0.0, 0.0
			for n, f := range files {
				x, _ := f.Tensor("buffer/" + spec.Name)
				sum += float64(m.Aggregate.Finals[n].Weight) * float64(x.F32[k])
				total += float64(m.Aggregate.Finals[n].Weight)
			}
			if got := m.Base.Tensors()[i][k]; got != float32(sum/total) {
				t.Errorf("%s[%d] is %v, the mean is %v", spec.Name, k, got, float32(sum/total))
			}
		}
	}
	if buffers != 2 || len(m.Momentum) != len(b.spec.Plan.Params()) {
		t.Errorf("%d buffers, %d tensors of momentum", buffers, len(m.Momentum))
	}
	r = newRig(t, rules[2], verifytest.Adapted(), 40, 20)
	b = r.open(t, 2)
	m = must(b.Aggregate(t.Context(), r.operator))(t)
	trained := len(b.spec.Plan.Params())
	for i, x := range b.Base.Tensors() {
		if stays := slices.Equal(x, m.Base.Tensors()[i]); stays != (i >= trained) {
			t.Errorf("%s: moved is %v", b.spec.Plan.Base()[i].Name, !stays)
		}
	}
	if _, _, err := r.open(t, 1).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTheDigestsOfRoundsAreFixedForAllTime holds the encoding to what SPEC.md says.
func TestTheDigestsOfRoundsAreFixedForAllTime(t *testing.T) {
	key := must(verifytest.KeyOf(must(verifytest.NewKey(1))(t)))(t)
	r := Round{
		Version: Version, Index: 1, Previous: merkle.Hash{7}, Operator: key, Verifiers: []document.Key{key}, Program: merkle.Hash{1}, Base: merkle.Hash{2},
		Momentum: merkle.Hash{8}, Validation: merkle.Hash{3}, Jobs: []Offered{{merkle.Hash{4}, 1}}, Rule: rules[2],
	}
	a := Aggregate{Version: AggregateVersion, Round: merkle.Hash{9}, Finals: []Final{{Job: merkle.Hash{4}, Slot: 2, Weight: 40}}, Base: merkle.Hash{5}}
	for want, got := range map[string]merkle.Hash{
		"e7ae80ff7be3d9b3ac18bd0f08b936e5a850cbd8a7ade3df48b6037596bd3959": must(document.Digest(Kind, r))(t),
		"9c74eae112182d46cab850bd683d4d22b1dd678f2a81a4fcaad5f1eb4af36c33": must(document.Digest(AggregateKind, a))(t),
	} {
		if got.String() != want {
			t.Errorf("digest %v, want %s: the encoding has changed", got, want)
		}
	}
}
