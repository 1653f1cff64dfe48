package program

import (
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func compiled(t *testing.T, p *Program) *Plan {
	t.Helper()
	plan, err := Compile(p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func classifier(g Graph, o Optimizer) *Program {
	return &Program{Version: Version, BatchSize: 5, Accumulation: 3, Graph: g, Loss: CrossEntropy, Optimizer: o,
		Schedule: Schedule{Kind: Constant, Rate: 0.1}}
}

func TestTheStateListsParametersThenSlots(t *testing.T) {
	plan := compiled(t, classifier(MLP(MLPConfig{Inputs: 4, Hidden: []int{3}, Classes: 2}), Optimizer{Kind: Adam, Eps: 1e-8}))
	var got []string
	for _, s := range plan.Tensors() {
		got = append(got, s.Name)
	}
	want := []string{
		"param/net.0.weight", "param/net.0.bias", "param/net.2.weight", "param/net.2.bias",
		"opt/exp_avg/net.0.weight", "opt/exp_avg/net.0.bias", "opt/exp_avg/net.2.weight", "opt/exp_avg/net.2.bias",
		"opt/exp_avg_sq/net.0.weight", "opt/exp_avg_sq/net.0.bias", "opt/exp_avg_sq/net.2.weight", "opt/exp_avg_sq/net.2.bias",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestABatchHasTheRowsOfAWholeStep(t *testing.T) {
	plan := compiled(t, classifier(GPT(GPTConfig{Vocab: 9, Context: 4, Width: 6, Layers: 1, Heads: 2}), Optimizer{Kind: SGD}))
	for _, c := range []struct {
		name string
		got  TensorSpec
	}{{"x", plan.X()}, {"y", plan.Y()}} {
		if c.got.Name != c.name || c.got.Kind != kernels.I32 || !slices.Equal(c.got.Shape, []int{15, 4}) {
			t.Errorf("%+v", c.got)
		}
	}
}

func TestOperationsAreCounted(t *testing.T) {
	const rows, in, hidden, out = 5, 4, 3, 2
	plan := compiled(t, classifier(MLP(MLPConfig{Inputs: in, Hidden: []int{hidden}, Classes: out}), Optimizer{Kind: SGD}))
	products := 2*2*rows*in*hidden + 3*2*rows*hidden*out // the first layer has no gradient of its input
	forward := rows*hidden*2 + rows*out                  // biases and ReLU
	loss := 3*rows + 1 + rows*out
	backward := rows*hidden + hidden + out
	params := in*hidden + hidden + hidden*out + out
	micro := products + forward + loss + backward
	folds := 2*params + 2 + 3    // two later micro-batches add to the first; so do their losses, scaled
	update := plan.trained.words // one element at a time, padding included
	want := 3*micro + folds + update
	if got := plan.FLOPs(); got != uint64(want) {
		t.Errorf("%d operations, %d by hand", got, want)
	}
}

func TestGradientsThatNothingNeedsAreNotComputed(t *testing.T) {
	plan := compiled(t, classifier(CNN(CNNConfig{InChannels: 1, Height: 6, Width: 6, Channels: []int{2, 3}, Classes: 2}), Optimizer{Kind: SGD}))
	n := 0
	for _, ins := range plan.train.code {
		if _, ok := ins.op.(kernels.Conv2DGradInput); ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d gradients of a convolution's input, 1 needed", n)
	}
}

func TestMemoryIsReused(t *testing.T) {
	g := MLP(MLPConfig{Inputs: 64, Hidden: []int{64, 64, 64, 64, 64, 64, 64, 64}, Classes: 64})
	plan := compiled(t, classifier(g, Optimizer{Kind: SGD}))
	sum := 0
	for _, b := range plan.train.buffers {
		if b.space == arena {
			sum += padded(b.n)
		}
	}
	if size := plan.train.size[kernels.F32]; 3*size > sum {
		t.Errorf("%d elements of buffers lie in %d: reused less than three times", sum, size)
	}
}

func TestATapeIsAsLargeAsItsBuffers(t *testing.T) {
	for name, p := range families() {
		plan := compiled(t, p)
		rows, params := plan.X().Len()+plan.Y().Len(), plan.trained.words*(2+len(p.Optimizer.slots()))+plan.frozen.words
		for _, c := range []struct {
			what  string
			words int
			arena [2]int
		}{
			{"a step", plan.Tape(0).Words, plan.train.size},
			{"a machine", int(plan.MemoryBytes() / 4), plan.arenas()},
		} {
			least := rows + params + c.arena[0] + c.arena[1]
			small := p.Accumulation*counterWords + len(p.Groups)*scalarsApart + optimizerScalars + outcomeWords + len(plan.trained.tensors)
			if most := least + small + 6*(align-1); c.words < least || c.words > most {
				t.Errorf("%s: %s has %d words: outside %d to %d", name, c.what, c.words, least, most)
			}
		}
	}
}

func TestATapeKeepsNoMicroBatchButTwo(t *testing.T) {
	p := families()["mlp"]
	few := compiled(t, p).Tape(0)
	p.Accumulation = MaxAccumulation
	many := compiled(t, p).Tape(0)
	for i := range few.training {
		if a, b := len(few.training[i].list), len(many.training[i].list); a != b {
			t.Errorf("%d calls for %d micro-batches, %d for 3", b, MaxAccumulation, a)
		}
	}
}
