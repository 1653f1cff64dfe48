package program_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// plain trains a graph with cross entropy and SGD.
func plain(g program.Graph, accumulation int) *program.Program {
	return &program.Program{Version: program.Version, BatchSize: 3, Accumulation: accumulation, Graph: g, Loss: program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.1}, ClipNorm: 1}
}

func smallGPT(tied bool) program.Graph {
	return program.GPT(program.GPTConfig{Vocab: 7, Context: 4, Width: 6, Layers: 1, Heads: 2, Tied: tied})
}

func adapted(tied bool) program.Graph {
	return program.LoRA(smallGPT(tied), 2, func(name string) bool { return strings.HasSuffix(name, "qkv") || strings.HasSuffix(name, "up") })
}

func TestFactsThatDoNotHoldAreRefused(t *testing.T) {
	mlp := func() program.Graph {
		return program.MLP(program.MLPConfig{Inputs: 5, Hidden: []int{5, 5}, Classes: 5})
	}
	tie := func(pairs ...string) []program.Tie {
		var all []program.Tie
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, program.Tie{Name: pairs[i], As: pairs[i+1]})
		}
		return all
	}
	for name, c := range map[string]struct {
		tied   []program.Tie
		frozen []string
		want   string
	}{
		"a tensor that is not there":            {nil, []string{"net.9.weight"}, `no tensor is called "net.9.weight"`},
		"a name of the state's":                 {nil, []string{"param/net.0.weight"}, "no tensor is called"},
		"an empty name":                         {nil, []string{""}, "no tensor is called"},
		"a node":                                {nil, []string{"net.0"}, "no tensor is called"},
		"one tensor frozen twice":               {nil, []string{"net.0.bias", "net.0.bias"}, "does not come after"},
		"frozen tensors in another order":       {nil, []string{"net.0.weight", "net.0.bias"}, "does not come after"},
		"all frozen":                            {nil, []string{"net.0.bias", "net.0.weight", "net.2.bias", "net.2.weight", "net.4.bias", "net.4.weight"}, "no parameter is left to train"},
		"all frozen but what is tied":           {tie("net.4.weight", "net.2.weight"), []string{"net.0.bias", "net.0.weight", "net.2.bias", "net.2.weight", "net.4.bias"}, "no parameter is left to train"},
		"a tied one frozen":                     {tie("net.4.weight", "net.2.weight"), []string{"net.4.weight"}, "which alone can be frozen"},
		"tensors of two shapes tied":            {tie("net.4.bias", "net.2.weight"), nil, "equal shapes needed"},
		"a tensor tied to itself":               {tie("net.2.weight", "net.2.weight"), nil, "not of an earlier node"},
		"a tensor tied to a later one":          {tie("net.0.weight", "net.2.weight"), nil, "not of an earlier node"},
		"a tensor tied to none":                 {tie("net.2.weight", "x"), nil, `no parameter is called "x"`},
		"none tied to a tensor":                 {tie("x", "net.2.weight"), nil, `no parameter is called "x"`},
		"a tensor tied to a tied one":           {tie("net.2.weight", "net.0.weight", "net.4.weight", "net.2.weight"), nil, "is tied itself"},
		"a tensor tied that another is tied to": {tie("net.2.bias", "net.0.bias", "net.4.weight", "net.2.weight", "net.2.weight", "net.0.weight"), nil, "does not come after"},
		"one tensor tied twice":                 {tie("net.4.weight", "net.0.weight", "net.4.weight", "net.2.weight"), nil, "does not come after"},
	} {
		g := mlp()
		g.Tied, g.Frozen = c.tied, c.frozen
		_, err := program.Compile(plain(g, 1), kernels.ProfileF32)
		if err == nil || fault.Of(err) != fault.OutOfRange || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %q wanted", name, err, c.want)
		}
	}
}

func TestFactsAreReadAndWrittenCanonically(t *testing.T) {
	p := plain(adapted(true), 2)
	again, err := program.Parse(p.JSON())
	must(t, err)
	if !bytes.Equal(again.JSON(), p.JSON()) || len(again.Graph.Frozen) == 0 || len(again.Graph.Tied) == 0 {
		t.Errorf("%s", again.JSON())
	}
	for _, more := range []string{`,"tied":[]`, `,"frozen":[]`, `,"frozen":null`} {
		text := strings.Replace(string(plain(smallGPT(false), 1).JSON()), `}]},"loss"`, `}]`+more+`},"loss"`, 1)
		if _, err := program.Parse([]byte(text)); fault.Of(err) != fault.NotCanonical {
			t.Errorf("%s: %v", more, err)
		}
	}
}

func initialised(t testing.TB, p *program.Program) *program.Machine {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	must(t, err)
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(t, err)
	t.Cleanup(cpu.Close)
	m, err := program.NewMachine(plan, cpu, 5)
	must(t, err)
	must(t, m.Init(3))
	return m
}

// byName are the tensors of a machine, or their gradients.
func byName(specs []program.TensorSpec, prefix string, tensors [][]float32) map[string][]float32 {
	all := make(map[string][]float32)
	for i, s := range specs {
		if name, ok := strings.CutPrefix(s.Name, prefix); ok {
			all[name] = tensors[i]
		}
	}
	return all
}

func plan(t testing.TB, p *program.Program) *program.Plan {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	must(t, err)
	return plan
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestTheGradientOfATiedTensorIsTheSumOfThoseOfItsUses(t *testing.T) {
	tied, apart := plain(smallGPT(true), 1), plain(smallGPT(false), 1)
	one, two := initialised(t, tied), initialised(t, apart)
	from, to := byName(plan(t, tied).Tensors(), "param/", one.Tensors()), byName(plan(t, apart).Tensors(), "param/", two.Tensors())
	if from["head.weight"] != nil {
		t.Fatal("the state has a tensor for a name that is tied")
	}
	for name, x := range to {
		if name == "head.weight" {
			name = "tok.weight"
		}
		copy(x, from[name])
	}
	draw(one, 0, 7)
	draw(two, 0, 7)
	_, err := one.Gradients(0)
	must(t, err)
	_, err = two.Gradients(0)
	must(t, err)
	got, want := byName(plan(t, tied).Params(), "", one.Grads()), byName(plan(t, apart).Params(), "", two.Grads())
	for k, v := range want["head.weight"] { // the last use in graph order is the first
		want["tok.weight"][k] = v + want["tok.weight"][k]
	}
	for name := range got {
		if !sameBits(got[name], want[name]) {
			t.Errorf("gradient of %s differs", name)
		}
	}
}

func TestFreezingChangesNoNumberOfTheRest(t *testing.T) {
	for _, accumulation := range []int{1, 3} {
		full := plain(smallGPT(false), accumulation)
		some := plain(smallGPT(false), accumulation)
		some.Graph.Frozen = []string{"blocks.0.ln1.weight", "blocks.0.qkv.weight", "blocks.0.up.bias", "pos.weight", "tok.weight"}
		all, part := initialised(t, full), initialised(t, some)
		start := byName(plan(t, full).Tensors(), "param/", all.Tensors())
		frozen := byName(plan(t, some).Frozen(), "frozen/", part.Frozen())
		kept := map[string][]float32{}
		for name, x := range frozen {
			if !sameBits(x, start[name]) {
				t.Errorf("%s starts with other numbers when it is frozen", name)
			}
			kept[name] = slices.Clone(x)
		}
		if len(frozen) != len(some.Graph.Frozen) {
			t.Fatalf("%d tensors are frozen, %d wanted", len(frozen), len(some.Graph.Frozen))
		}
		draw(all, 0, 7)
		draw(part, 0, 7)
		_, err := all.Gradients(0)
		must(t, err)
		_, err = part.Gradients(0)
		must(t, err)
		got, want := byName(plan(t, some).Params(), "", part.Grads()), byName(plan(t, full).Params(), "", all.Grads())
		if len(got) != len(want)-len(frozen) {
			t.Errorf("%d gradients", len(got))
		}
		for name, g := range got {
			if !sameBits(g, want[name]) {
				t.Errorf("gradient of %s differs", name)
			}
		}
		norm, _, err := part.Update(0)
		must(t, err)
		if whole, _, err := all.Update(0); err != nil || !(norm < whole) {
			t.Errorf("norm %v of a part, %v of all", norm, whole)
		}
		for name, x := range frozen {
			if !sameBits(x, kept[name]) {
				t.Errorf("a step moved %s, which is frozen", name)
			}
		}
	}
}

// A product whose result nobody reads is work for nothing, and its operands might be what a worker chooses.
func TestNoCallOfAStepLeadsNowhere(t *testing.T) {
	for name, p := range map[string]*program.Program{"adapted": plain(adapted(false), 1), "adapted and tied": plain(adapted(true), 2)} {
		tape := plan(t, p).Tape(0)
		calls := tape.Calls()
		for k, c := range calls {
			useful := false
			for i, o := range c.Op.Operands() {
				r := c.Operands[i]
				if o.Access == kernels.In || r.Words == 0 {
					continue
				}
				useful = useful || r.Offset >= tape.State.Offset && r.Offset < tape.State.Offset+tape.State.Words || r.Offset >= tape.Out.Offset && r.Offset < tape.Out.Offset+tape.Out.Words
				for _, later := range calls[k+1:] {
					for j, in := range later.Op.Operands() {
						s := later.Operands[j]
						useful = useful || in.Access != kernels.Out && s.Offset < r.Offset+r.Words && r.Offset < s.Offset+s.Words
					}
				}
			}
			if !useful {
				t.Errorf("%s: call %d, %s, leads nowhere", name, k, c.Op.Name())
			}
		}
	}
}

func TestAnAdapterCostsItsOwnGradientsSlotsAndNoOthers(t *testing.T) {
	base, p := plan(t, plain(smallGPT(false), 1)), plan(t, plain(adapted(false), 1))
	want := []string{"blocks.0.qkv.lora_A.weight", "blocks.0.qkv.lora_B.weight", "blocks.0.up.lora_A.weight", "blocks.0.up.lora_B.weight"}
	var got []string
	for _, s := range p.Params() {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) || len(p.Tensors()) != 2*len(want) || len(p.Frozen()) != len(base.Params()) {
		t.Errorf("trained %q, %d tensors and %d frozen ones", got, len(p.Tensors()), len(p.Frozen()))
	}
	products := func(p *program.Plan) (n int) {
		for _, c := range p.Tape(0).Backward() {
			if op, ok := c.Op.(kernels.Gemm); ok && op.TransA {
				n++
			}
		}
		return n
	}
	if n := products(p); n != len(want) {
		t.Errorf("%d gradients of weights are computed, %d are wanted", n, len(want))
	}
}

func TestTheModelThatAnAdapterBeginsWithIsItsBase(t *testing.T) {
	one, two := initialised(t, plain(smallGPT(false), 1)), initialised(t, plain(adapted(false), 1))
	frozen := byName(plan(t, plain(adapted(false), 1)).Frozen(), "frozen/", two.Frozen())
	for name, x := range byName(plan(t, plain(smallGPT(false), 1)).Tensors(), "param/", one.Tensors()) {
		copy(frozen[name], x)
	}
	draw(one, 0, 7)
	draw(two, 0, 7)
	a, _, err := one.Evaluate()
	must(t, err)
	b, _, err := two.Evaluate()
	must(t, err)
	if a != b {
		t.Errorf("loss %v, that of the base is %v", b, a)
	}
}

// normalised is a convolution, a batch norm and a layer.
func normalised(fixed bool) program.Graph {
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 3, 3}}},
		{Name: "conv", Op: program.Conv2D{Out: 3, Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}}, Inputs: []string{"x"}},
		{Name: "bn", Op: program.BatchNorm{Eps: 1e-5, Momentum: 0.25, Frozen: fixed}, Inputs: []string{"conv"}},
		{Name: "flat", Op: program.Flatten{}, Inputs: []string{"bn"}},
		{Name: "c", Op: program.Linear{Out: 3, Bias: true}, Inputs: []string{"flat"}},
	}}
}

func TestABufferIsKeptAndNeverTrained(t *testing.T) {
	p := plain(normalised(false), 3)
	pl, m := plan(t, p), initialised(t, p)
	all := pl.Tensors()
	if a, b := all[len(all)-2].Name, all[len(all)-1].Name; a != "buffer/bn.running_mean" || b != "buffer/bn.running_var" {
		t.Errorf("the state ends with %s and %s", a, b)
	}
	for _, s := range pl.Params() {
		if strings.Contains(s.Name, "running") {
			t.Errorf("%s has a gradient", s.Name)
		}
	}
	k := len(all) - 2
	if m.Tensors()[k][0] != 0 || m.Tensors()[k+1][2] != 1 {
		t.Error("buffers start elsewhere")
	}
	draw(m, 0, 3)
	var seen []float32
	for range 2 {
		_, err := m.Gradients(0)
		must(t, err)
		seen = append(seen, m.Tensors()[k][0])
	}
	// Three micro-batches keep 0.75^3 of what was there.
	if want := float64(seen[0]) * (1 + 0.75*0.75*0.75); math.Abs(float64(seen[1])-want) > 1e-5*math.Abs(want) {
		t.Errorf("a running mean of %v becomes %v, %v wanted", seen[0], seen[1], want)
	}
	before := slices.Clone(m.Tensors()[k])
	_, _, err := m.Evaluate()
	must(t, err)
	_, _, err = m.Update(0)
	must(t, err)
	if !sameBits(before, m.Tensors()[k]) {
		t.Error("an evaluation or the optimizer moved a buffer")
	}
}

func TestABufferIsFrozenOnlyWhereNoStepChangesIt(t *testing.T) {
	for name, c := range map[string]struct {
		fixed  bool
		tied   []program.Tie
		frozen []string
		want   string
	}{
		"one that moves frozen":       {false, nil, []string{"bn.running_mean"}, "is a buffer that each step changes"},
		"one tied to a parameter":     {false, []program.Tie{{Name: "bn.running_mean", As: "bn.weight"}}, nil, `no parameter is called "bn.running_mean"`},
		"a parameter tied to one":     {false, []program.Tie{{Name: "c.bias", As: "bn.running_mean"}}, nil, `no parameter is called "bn.running_mean"`},
		"one that never moves frozen": {true, nil, []string{"bn.running_mean", "bn.running_var"}, ""},
	} {
		g := normalised(c.fixed)
		g.Tied, g.Frozen = c.tied, c.frozen
		pl, err := program.Compile(plain(g, 2), kernels.ProfileF32)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		must(t, err)
		if f := pl.Frozen(); len(f) != 2 || f[1].Name != "frozen/bn.running_var" {
			t.Errorf("%v", f)
		}
		m := initialised(t, plain(g, 2))
		draw(m, 0, 3)
		_, err = m.Gradients(0)
		must(t, err)
		if m.Frozen()[1][0] != 1 {
			t.Error("a frozen buffer starts elsewhere or has moved")
		}
	}
}
