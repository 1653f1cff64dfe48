package program

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

var update = flag.Bool("update", false, "write the lists of calls anew: a change of their numbers")

// families are programs of the three families that have, among them, everything that decides about calls, and one that moves,
// repeats and draws.
func families() map[string]*Program {
	of := func(accumulation int, clip float64, o Optimizer, g Graph) *Program {
		return &Program{Version: Version, BatchSize: 2, Accumulation: accumulation, Graph: g, Loss: CrossEntropy, Optimizer: o,
			Schedule: Schedule{Kind: Constant, Rate: 0.1}, ClipNorm: clip}
	}
	return map[string]*Program{
		"mlp": of(3, 0, Optimizer{Kind: SGD, Momentum: 0.9},
			MLP(MLPConfig{Inputs: 5, Hidden: []int{4, 3}, Classes: 2, Dropout: 0.5, Activation: GELU{}})),
		"cnn": of(1, 0, Optimizer{Kind: Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
			CNN(CNNConfig{InChannels: 1, Height: 6, Width: 6, Channels: []int{2, 3}, Classes: 2, Dropout: 0.1})),
		"gpt": of(2, 1, Optimizer{Kind: AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1},
			GPT(GPTConfig{Vocab: 7, Context: 3, Width: 4, Layers: 2, Heads: 2, Dropout: 0.1})),
		"shapes": of(2, 0, Optimizer{Kind: SGD}, Graph{Nodes: []Node{
			{Name: "x", Op: Input{Type: F32, Shape: []int{2, 4, 4}}},
			{Name: "crop", Op: RandomCrop{Padding: 1, Size: [2]int{3, 4}}, Inputs: []string{"x"}},
			{Name: "flip", Op: RandomFlip{P: 0.5}, Inputs: []string{"crop"}},
			{Name: "a", Op: Linear{Out: 4, Bias: true, Transposed: true}, Inputs: []string{"flip"}},
			{Name: "mean", Op: Mean{Axes: []int{1, 2}, KeepDim: true}, Inputs: []string{"a"}},
			{Name: "gate", Op: HardSigmoid{}, Inputs: []string{"mean"}},
			{Name: "gated", Op: Mul{}, Inputs: []string{"a", "gate"}},
			{Name: "rows", Op: Reshape{Shape: []int{6, 4}}, Inputs: []string{"gated"}},
			{Name: "turned", Op: Transpose{Perm: []int{1, 0}}, Inputs: []string{"rows"}},
			{Name: "left", Op: Slice{Axis: 1, Start: 0, Stop: 3, Step: 1}, Inputs: []string{"turned"}},
			{Name: "right", Op: Slice{Axis: 1, Start: 3, Stop: 6, Step: 1}, Inputs: []string{"turned"}},
			{Name: "first", Op: Slice{Axis: 0, Start: 0, Stop: 1, Step: 1}, Inputs: []string{"right"}},
			{Name: "difference", Op: Sub{}, Inputs: []string{"left", "first"}},
			{Name: "dropped", Op: RowDropout{P: 0.5}, Inputs: []string{"difference"}},
			{Name: "moved", Op: Scale{Factor: 2, Shift: 1}, Inputs: []string{"dropped"}},
			{Name: "both", Op: Concat{Axis: 0}, Inputs: []string{"moved", "right"}},
			{Name: "row", Op: Select{Axis: 0, Index: 1}, Inputs: []string{"both"}},
			{Name: "wide", Op: Reshape{Shape: []int{1, 3}}, Inputs: []string{"row"}},
			{Name: "expanded", Op: Expand{Shape: []int{2, 3}}, Inputs: []string{"wide"}},
			{Name: "sum", Op: Add{}, Inputs: []string{"expanded", "wide"}},
			{Name: "out", Op: Linear{Out: 2}, Inputs: []string{"sum"}},
		}}),
		"tied": of(2, 1, Optimizer{Kind: SGD},
			GPT(GPTConfig{Vocab: 7, Context: 3, Width: 4, Layers: 1, Heads: 2, Tied: true})),
		"adapted": of(2, 1, Optimizer{Kind: SGD},
			LoRA(GPT(GPTConfig{Vocab: 7, Context: 3, Width: 4, Layers: 1, Heads: 2, Tied: true}), 2, func(name string) bool { return name == "blocks.0.qkv" })),
		"groups": decayed(of(2, 1, Optimizer{Kind: AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1},
			MLP(MLPConfig{Inputs: 5, Hidden: []int{4}, Classes: 2}))),
		"llama": of(2, 1, Optimizer{Kind: AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1}, llama()),
	}
}

// decayed takes the decay from two biases, and a layer to another rate.
func decayed(p *Program) *Program {
	plain := p.Optimizer
	plain.WeightDecay = 0
	p.Groups = []Group{
		{Params: []string{"net.0.bias", "net.2.bias"}, Optimizer: plain, Schedule: p.Schedule},
		{Params: []string{"net.0.weight"}, Optimizer: p.Optimizer, Schedule: Schedule{Kind: Constant, Rate: 0.01}},
	}
	return p
}

// llama is a decoder whose heads of keys are shared, with padding, and a product of activations at its end.
func llama() Graph {
	return Graph{Nodes: []Node{
		{Name: "x", Op: Input{Type: I32, Shape: []int{3}}}, {Name: "tok", Inputs: []string{"x"}, Op: Embedding{Vocab: 7, Dim: 8, Std: 1}},
		{Name: "norm", Inputs: []string{"tok"}, Op: RMSNorm{Eps: 1e-5}},
		{Name: "q", Inputs: []string{"norm"}, Op: Linear{Out: 8}}, {Name: "k", Inputs: []string{"norm"}, Op: Linear{Out: 4}}, {Name: "v", Inputs: []string{"norm"}, Op: Linear{Out: 4}},
		{Name: "qr", Inputs: []string{"q"}, Op: Rope{Heads: 2, Theta: 10000}}, {Name: "kr", Inputs: []string{"k"}, Op: Rope{Heads: 1, Theta: 10000}},
		{Name: "attention", Inputs: []string{"qr", "kr", "v", "x"}, Op: Attention{Heads: 2, KVHeads: 1, Causal: true}},
		{Name: "o", Inputs: []string{"attention"}, Op: Linear{Out: 8}}, {Name: "h", Inputs: []string{"tok", "o"}, Op: Add{}},
		{Name: "pairs", Inputs: []string{"h", "h"}, Op: MatMul{TransB: true}}, {Name: "out", Inputs: []string{"pairs", "h"}, Op: MatMul{}},
	}}
}

// example is the program of SPEC.md.
func example() *Program {
	return &Program{Version: Version, BatchSize: 5, Accumulation: 2, Loss: CrossEntropy, ClipNorm: 1,
		Graph:     MLP(MLPConfig{Inputs: 4, Hidden: []int{3}, Classes: 2}),
		Optimizer: Optimizer{Kind: SGD, Momentum: 0.9}, Schedule: Schedule{Kind: Constant, Rate: 0.1}}
}

// The numbers of a step's calls are part of the format.
func TestTheCallsOfAStepAreNumberedForEver(t *testing.T) {
	for name, p := range families() {
		file := filepath.Join("testdata", "calls", name+".txt")
		got := numbered(compiled(t, p))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, file, got, string(want))
	}
}

func TestTheSpecificationListsTheCallsOfItsExample(t *testing.T) {
	const file, begin, end = "../SPEC.md", "```calls\n", "```\n"
	spec, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := numbered(compiled(t, example()))
	before, rest, ok := bytes.Cut(spec, []byte(begin))
	list, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		t.Fatalf("%s: no list between %q and %q", file, begin, end)
	}
	if *update {
		all := slices.Concat(before, []byte(begin), []byte(got), []byte(end), after)
		if err := os.WriteFile(file, all, 0o644); err != nil {
			t.Fatal(err)
		}
		list = []byte(got)
	}
	sameLines(t, file, got, string(list))
}

func sameLines(t *testing.T, file, got, want string) {
	t.Helper()
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a) || i >= len(b):
			t.Fatalf("%s: %d lines, %d wanted", file, len(a), len(b))
		case a[i] != b[i]:
			t.Fatalf("%s: %q, %q wanted", file, a[i], b[i])
		}
	}
}

// word is where the content of a word comes from: element of call, or what was there before the step.
type word struct {
	before  string
	call    int // its number plus one; 0 if nothing is known of the word
	element int
}

// numbered lists the calls of a step, one a line: number, operator, where the operands that it reads come
// from, and how many elements it writes to each of the others. None of it depends on where a tape keeps them.
func numbered(p *Plan) string {
	tape := p.Tape(0)
	block := found(p, tape)
	written := map[int]int{} // elements of each call so far
	from := func(r kernels.Range) string { return source(block[r.Offset:][:r.Words], written) }
	var list, results strings.Builder
	backward := len(tape.Backward())
	for k, c := range tape.Calls() {
		if k == backward {
			for i, r := range tape.Gradients {
				fmt.Fprintf(&results, "gradient of %s: %s\n", p.Params()[i].Name, from(r))
			}
			fmt.Fprintf(&results, "loss: %s\n", from(tape.Loss))
		}
		var reads, writes []string
		for i, o := range c.Op.Operands() {
			if o.Access != kernels.Out && o.Len > 0 {
				reads = append(reads, from(c.Operands[i]))
			}
		}
		for i, o := range c.Op.Operands() {
			if o.Access == kernels.In || o.Len == 0 {
				continue
			}
			writes = append(writes, fmt.Sprint(o.Len))
			for w := range o.Len {
				block[c.Operands[i].Offset+w] = word{call: k + 1, element: written[k+1] + w}
			}
			written[k+1] += o.Len
		}
		fmt.Fprintf(&list, "%d %s(%s) -> %s\n", k, c.Op.Name(), strings.Join(reads, ", "), strings.Join(writes, "+"))
	}
	return list.String() + results.String()
}

// found names every word that a step finds: rows and counters by micro-batch, scalars, tensors.
func found(p *Plan, t *Tape) []word {
	block := make([]word, t.Words)
	name := func(r kernels.Range, as string) {
		for i := range r.Words {
			block[r.Offset+i].before = as
		}
	}
	for i := range p.accum {
		part := func(r kernels.Range) kernels.Range {
			n := r.Words / p.accum
			return kernels.Range{Offset: r.Offset + i*n, Words: n}
		}
		for k, r := range t.rows {
			name(part(r), fmt.Sprintf("%s%d", p.rows[k].Name, i))
		}
		name(part(t.counters), fmt.Sprintf("rng%d", i))
	}
	name(t.scalars, "scalars")
	for i, spec := range p.Tensors() {
		name(t.Tensors[i], spec.Name)
	}
	for i, spec := range p.Frozen() {
		name(t.Frozen[i], spec.Name)
	}
	return block
}

// source says where words come from: a name, the number of a call, or that with some of its elements.
func source(words []word, written map[int]int) string {
	var all []string
	for lo := 0; lo < len(words); {
		w, n := words[lo], 1
		next := func(v word) bool {
			return v.before == w.before && v.call == w.call && (w.before != "" || v.element == w.element+n)
		}
		for lo+n < len(words) && next(words[lo+n]) {
			n++
		}
		lo += n
		switch {
		case w == word{}: // padding between tensors
		case w.before != "":
			all = append(all, w.before)
		case n == written[w.call]:
			all = append(all, fmt.Sprint(w.call-1))
		default:
			all = append(all, fmt.Sprintf("%d[%d:%d]", w.call-1, w.element, w.element+n))
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	if kind := all[0][:strings.LastIndex(all[0], "/")+1]; kind != "" { // an optimizer reads all of a kind at once
		return kind + "*"
	}
	return "{" + strings.Join(all, " ") + "}"
}
