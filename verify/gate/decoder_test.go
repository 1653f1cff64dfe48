package gate_test

import (
	"reflect"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// decoder has shared heads of keys that turn, padding, attention to another sequence, and products of activations.
func decoder() *program.Program {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	linear := func(out int) program.Op { return program.Linear{Out: out, Std: 0.3} }
	return &program.Program{
		Version: program.Version, BatchSize: 8, Accumulation: 1, Loss: program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.01},
		Graph: program.Graph{Nodes: []program.Node{
			node("x", program.Input{Type: program.I32, Shape: []int{12}}), node("h", program.Embedding{Vocab: 11, Dim: 16, Std: 0.5}, "x"),
			node("q", linear(16), "h"), node("k", linear(8), "h"), node("v", linear(8), "h"),
			node("qr", program.Rope{Heads: 4, Theta: 10000}, "q"), node("kr", program.Rope{Heads: 2, Theta: 10000}, "k"),
			node("a", program.Attention{Heads: 4, KVHeads: 2, Causal: true}, "qr", "kr", "v", "x"),
			node("few", linear(3), "a"), node("s", program.MatMul{TransA: true}, "few", "a"),
			node("cross", program.Attention{Heads: 2}, "s", "a", "h"), node("back", program.MatMul{}, "few", "cross"),
			node("out", linear(11), "back"),
		}},
	}
}

func TestADecoderIsMeasuredAlikeOnEveryCodePath(t *testing.T) {
	p, data := decoder(), text(t, 200, 12)
	var first *run
	var want any
	for _, isa := range kernels.Available() {
		r := begin(t, processor(t, isa, 1), p, data, 1)
		c := r.measure(0, 5)
		if first == nil {
			first, want = r, c
			var terms uint64
			for _, product := range c.Products {
				terms += product.T
				if product.S == 0 || 4*product.E < product.S {
					t.Errorf("%s: %d of %d terms count", product.Name, product.E, product.S)
				}
			}
			if terms != r.plan.Terms() {
				t.Errorf("%d terms in the products, %d in all", terms, r.plan.Terms())
			}
			continue
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("%v counts otherwise:\n%+v\n%+v", isa, c, want)
		}
	}
}
