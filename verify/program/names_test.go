package program

import (
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// namedNet is a net whose layer calls its tensors as PyTorch's attention does.
func namedNet(tensors ...string) *Program {
	return &Program{
		Version: Version, BatchSize: 2, Accumulation: 1, Loss: MSE, Optimizer: Optimizer{Kind: SGD}, Schedule: Schedule{Kind: Constant, Rate: 0.1},
		Graph: Graph{Nodes: []Node{
			{Name: "x", Op: Input{Type: F32, Shape: []int{3}}},
			{Name: "attn", Inputs: []string{"x"}, Tensors: tensors, Op: Linear{Out: 2, Bias: true}},
			{Name: "head", Inputs: []string{"attn"}, Op: Linear{Out: 1}},
		}},
	}
}

func TestANodeCanSayHowItsTensorsAreCalled(t *testing.T) {
	p := namedNet("attn.in_proj_weight", "attn.in_proj_bias")
	plan, err := Compile(p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range plan.Tensors() {
		names = append(names, s.Name)
	}
	if want := []string{"param/attn.in_proj_weight", "param/attn.in_proj_bias", "param/head.weight"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	again, err := Parse(p.JSON())
	if err != nil || again.Digest() != p.Digest() {
		t.Error(err)
	}
	frozen := namedNet("attn.in_proj_weight", "attn.in_proj_bias")
	frozen.Graph.Frozen = []string{"attn.in_proj_bias"}
	if plan, err = Compile(frozen, kernels.ProfileF32); err != nil || plan.Frozen()[0].Name != "frozen/attn.in_proj_bias" {
		t.Error(err)
	}
}

func TestNamesOfTensorsThatCannotBeAreRefused(t *testing.T) {
	for want, tensors := range map[string][]string{
		"1 names, the node has 2 tensors":             {"w"},
		"3 names, the node has 2 tensors":             {"w", "b", "c"},
		"two tensors are called \"head.weight\"":      {"head.weight", "b"},
		"two tensors are called \"w\"":                {"w", "w"},
		"tensors[1]: name: 0 bytes is outside":        {"w", ""},
		"tensors[0]: name: byte 1 is not a letter":    {"w/x", "b"},
		"tensors: they are called so without":         {"attn.weight", "attn.bias"},
		"tensors[0]: name: 129 bytes is outside 1 to": {strings.Repeat("w", 129), "b"},
	} {
		if _, err := Compile(namedNet(tensors...), kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", tensors, err, want)
		}
	}
}
