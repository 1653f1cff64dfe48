package program

import (
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// TestNoLivingBufferIsOverwritten walks the instructions of programs with every kind of reuse and checks
// that what an instruction reads is what was last written there under the same name.
func TestNoLivingBufferIsOverwritten(t *testing.T) {
	for name, g := range map[string]Graph{
		"mlp": MLP(MLPConfig{Inputs: 9, Hidden: []int{20, 5, 40}, Classes: 3, Dropout: 0.2, Activation: GELU{}}),
		"cnn": CNN(CNNConfig{InChannels: 1, Height: 8, Width: 8, Channels: []int{3, 4, 2}, Classes: 3, Dropout: 0.2}),
		"gpt": GPT(GPTConfig{Vocab: 30, Context: 7, Width: 12, Layers: 3, Heads: 2, Dropout: 0.1}),
	} {
		for _, accumulation := range []int{1, 3} {
			plan, err := Compile(&Program{Version: Version, BatchSize: 4, Accumulation: accumulation, Graph: g, Loss: CrossEntropy,
				Optimizer: Optimizer{Kind: SGD}, Schedule: Schedule{Kind: Constant}}, kernels.ProfileF32)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []routine{plan.train, plan.eval} {
				for _, w := range []when{first, later} {
					checkReads(t, name, r, w)
				}
			}
		}
	}
}

// checkReads keeps, for every element of the arenas, the buffer that was last written there.
func checkReads(t *testing.T, name string, r routine, w when) {
	t.Helper()
	owner := [2][]value{make([]value, r.size[0]), make([]value, r.size[1])}
	for i, ins := range r.code {
		if ins.when != always && ins.when != w {
			continue
		}
		each := func(v value, f func(at *value)) {
			if b := r.buffers[v]; b.space == arena {
				for k := b.offset; k < b.offset+b.n; k++ {
					f(&owner[b.kind][k])
				}
			}
		}
		for k, o := range ins.op.Operands() {
			if kind := r.buffers[ins.bufs[k]].kind; kind != o.Kind {
				t.Fatalf("%s: instruction %d, %s: operand %s is %v, %v needed", name, i, ins.op.Name(), o.Name, kind, o.Kind)
			}
			if o.Access == kernels.Out {
				continue
			}
			each(ins.bufs[k], func(at *value) {
				if *at != ins.bufs[k]+1 {
					t.Fatalf("%s: instruction %d, %s: operand %s was overwritten", name, i, ins.op.Name(), o.Name)
				}
			})
		}
		for k, o := range ins.op.Operands() {
			if o.Access != kernels.In {
				each(ins.bufs[k], func(at *value) { *at = ins.bufs[k] + 1 })
			}
		}
	}
}

func TestOutputsShareMemoryWithInputsOnlyWhereOperatorsWorkInPlace(t *testing.T) {
	plan, err := Compile(&Program{Version: Version, BatchSize: 4, Accumulation: 1, Loss: CrossEntropy,
		Graph:     GPT(GPTConfig{Vocab: 30, Context: 7, Width: 12, Layers: 3, Heads: 2, Dropout: 0.1}),
		Optimizer: Optimizer{Kind: SGD}, Schedule: Schedule{Kind: Constant}}, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for i, ins := range plan.train.code {
		operands := ins.op.Operands()
		for k := range ins.bufs {
			for l := range ins.bufs[:k] {
				a, b := plan.train.buffers[ins.bufs[k]], plan.train.buffers[ins.bufs[l]]
				if operands[k].Access == kernels.In && operands[l].Access == kernels.In || a.space != b.space || a.kind != b.kind ||
					a.offset >= b.offset+b.n || b.offset >= a.offset+a.n {
					continue
				}
				shared++
				if kernels.InPlace(ins.op) == 0 || a.offset != b.offset {
					t.Errorf("instruction %d, %s: %s and %s overlap", i, ins.op.Name(), operands[k].Name, operands[l].Name)
				}
			}
		}
	}
	if shared == 0 {
		t.Error("nothing works in place")
	}
}

func TestTheFreeListNeverHandsOutMemoryTwice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f freeList
	type block struct{ at, n int }
	var live []block
	for range 20000 {
		if len(live) > 0 && r.IntN(2) == 0 {
			k := r.IntN(len(live))
			f.give(live[k].at, live[k].n)
			live[k] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		b := block{n: 1 + r.IntN(300)}
		b.at = f.take(b.n)
		for _, o := range live {
			if b.at < o.at+o.n && o.at < b.at+b.n {
				t.Fatalf("%v overlaps %v", b, o)
			}
		}
		if b.at%align != 0 || b.at+b.n > f.size {
			t.Fatalf("%v lies badly in %d", b, f.size)
		}
		live = append(live, b)
	}
}
