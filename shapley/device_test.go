package shapley_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/head"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/shapleytest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// devices are all that games can be played on but this process' memory: the operators of the processor, the kernels under
// g++, and the shipped PTX in an interpreter.
func devices(t *testing.T) []engine.Device {
	t.Helper()
	all := []engine.Device{shapleytest.Apart(shapleytest.CPU(kernels.Options{Threads: 2}))}
	for _, h := range []*kernelstest.House{kernelstest.Shim(t, kernelstest.Descending), kernelstest.Interpreter(t)} {
		all = append(all, engine.NewDevice(h.Name(), h.Name(), h.Memory))
	}
	return all
}

// everywhere wants the bytes of the processor on every device.
func everywhere(t *testing.T, name string, play func(d engine.Device) (any, error)) {
	t.Helper()
	got := func(d engine.Device) string {
		t.Helper()
		v, err := play(d)
		if err != nil {
			t.Fatalf("%s on %s: %v", name, d.Name(), err)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	want := got(shapleytest.CPU(kernels.Options{Threads: 2}))
	for _, d := range devices(t) {
		if g := got(d); g != want {
			t.Errorf("%s on %s:\n%s, want\n%s", name, d.Name(), g, want)
		}
	}
}

// neighbours are rows on a small grid, so that there are ties, with labels and targets.
func neighbours(n, m, width int) knn.Data {
	next := words(31)
	d := knn.Data{Width: width, Train: make([]float32, n*width), Test: make([]float32, m*width)}
	for _, x := range [][]float32{d.Train, d.Test} {
		for i := range x {
			x[i] = float32(next()%4) * 0.37
		}
	}
	for _, y := range []*[]int32{&d.TrainLabels, &d.TestLabels} {
		count := map[bool]int{true: n, false: m}[y == &d.TrainLabels]
		for range count {
			*y = append(*y, int32(next()&3))
		}
	}
	return d
}

func TestNeighboursAreWorthTheSameOnEveryDevice(t *testing.T) {
	d := neighbours(130, 21, 5)
	targets := d
	for _, y := range d.TrainLabels {
		targets.TrainTargets = append(targets.TrainTargets, int64(y-1)*700_000_000)
	}
	for _, y := range d.TestLabels {
		targets.TestTargets = append(targets.TestTargets, int64(y)*123_456_789)
	}
	targets.TrainLabels, targets.TestLabels = nil, nil
	for name, o := range map[string]knn.Options{
		"unweighted":             {K: 5},
		"unweighted, all rows":   {K: 200},
		"unweighted, nearest":    {K: 3, Epsilon: 50_000_000},
		"weighted":               {Variant: knn.Weighted, K: 4, Weights: []uint32{7, 0, 5, 1}},
		"weighted, nearest":      {Variant: knn.Weighted, K: 2, Weights: []uint32{7, 1}, Epsilon: 1_000_000_000},
		"soft-label":             {Variant: knn.SoftLabel, K: 6},
		"soft-label of all rows": {Variant: knn.SoftLabel, K: 131},
		"threshold":              {Variant: knn.Threshold, Radius: 0.77},
		"threshold of nobody":    {Variant: knn.Threshold},
		"regression":             {Variant: knn.Regression, K: 5},
	} {
		everywhere(t, name, func(device engine.Device) (any, error) {
			data := d
			if o.Variant == knn.Regression {
				data = targets
			}
			o.Device = device
			return knn.Values(t.Context(), data, o)
		})
	}
}

// federated is a round of n small updates of a program's parameters.
func federated(t *testing.T, p *program.Program, n, rows int) round.Round {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	next := words(17)
	numbers := func(n int, scale float32) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = scale * float32(next()) / (1 << 19)
		}
		return x
	}
	tensors := func(scale float32) (all [][]float32) {
		for _, spec := range plan.Params() {
			all = append(all, numbers(spec.Len(), scale))
		}
		return all
	}
	r := round.Round{Program: p, Base: tensors(0.5)}
	for i := range n {
		r.Updates, r.Sizes = append(r.Updates, tensors(0.1)), append(r.Sizes, uint64(3+i))
	}
	like := func(spec program.TensorSpec, below int64) kernels.Buf {
		n := spec.Len() / spec.Shape[0] * rows
		if spec.Kind == kernels.F32 {
			return kernels.Buf{F: numbers(n, 1)}
		}
		b := kernels.Buf{I: make([]int32, n)}
		for i := range b.I {
			b.I[i] = int32((next() + 1<<19) % below)
		}
		return b
	}
	r.X, r.Y = like(plan.X(), 7), like(plan.Y(), 3)
	return r
}

// model is a program of a graph.
func model(g program.Graph, loss program.Loss) *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: 4, Accumulation: 1, Graph: g, Loss: loss,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.1},
	}
}

func TestUpdatesAreWorthTheSameOnEveryDevice(t *testing.T) {
	mlp := program.MLP(program.MLPConfig{Inputs: 6, Hidden: []int{5, 4}, Classes: 3, Dropout: 0.3})
	cnn := program.CNN(program.CNNConfig{InChannels: 1, Height: 4, Width: 4, Channels: []int{3}, Classes: 3})
	gpt := program.GPT(program.GPTConfig{Vocab: 7, Context: 3, Width: 4, Layers: 1, Heads: 2})
	for name, c := range map[string]struct {
		p    *program.Program
		o    round.Options
		rows int
	}{
		"mlp":               {model(mlp, program.CrossEntropy), round.Options{}, 9},
		"mlp, in chunks":    {model(mlp, program.CrossEntropy), round.Options{}, 259},
		"mlp, direct":       {model(mlp, program.CrossEntropy), round.Options{Direct: true}, 9},
		"mlp, accuracy":     {model(mlp, program.CrossEntropy), round.Options{Utility: round.Accuracy}, 9},
		"mlp, renormalised": {model(mlp, program.CrossEntropy), round.Options{Renormalised: true}, 9},
		"mlp, squares":      {model(mlp, program.MSE), round.Options{}, 9},
		"cnn":               {model(cnn, program.CrossEntropy), round.Options{}, 5},
		"gpt":               {model(gpt, program.CrossEntropy), round.Options{}, 5},
		"gpt, accuracy":     {model(gpt, program.CrossEntropy), round.Options{Utility: round.Accuracy}, 5},
	} {
		if testing.Short() && name != "mlp" {
			continue
		}
		r := federated(t, c.p, 5, c.rows)
		everywhere(t, name, func(device engine.Device) (any, error) {
			o := c.o
			o.Device = device
			g, err := round.New(t.Context(), r, o)
			if err != nil {
				return nil, err
			}
			defer g.Close()
			res, err := shapley.Estimate(t.Context(), g, shapley.Options{Estimator: "antithetic", Budget: 2})
			if err != nil {
				return nil, err
			}
			spread, err := g.ValidationError(t.Context(), shapley.Seed{3})
			if err != nil || o.Utility != round.Loss || o.Renormalised {
				return []any{res, spread}, err
			}
			second, err := round.SecondOrder(t.Context(), r, o)
			return []any{res, spread, second}, err
		})
	}
}

func TestDataAreWorthTheSameOnEveryDevice(t *testing.T) {
	rows := neighbours(23, 11, 3)
	labelled := func(classes int32) retrain.Data {
		d := retrain.Data{Width: 3, Train: rows.Train, Validation: rows.Test}
		for _, y := range rows.TrainLabels {
			d.Labels = append(d.Labels, y%classes)
		}
		for _, y := range rows.TestLabels {
			d.ValidationLabels = append(d.ValidationLabels, y%classes)
		}
		return d
	}
	linear := retrain.Data{Width: 3, Train: rows.Train, Validation: rows.Test}
	for _, y := range rows.TrainLabels {
		linear.Targets = append(linear.Targets, float32(y)*0.7)
	}
	for _, y := range rows.TestLabels {
		linear.ValidationTargets = append(linear.ValidationTargets, float32(y)*0.6)
	}
	for name, d := range map[string]retrain.Data{"two classes": labelled(2), "four classes": labelled(4), "linear": linear} {
		everywhere(t, name, func(device engine.Device) (any, error) {
			g, err := retrain.New(t.Context(), d, retrain.Options{Steps: 3, Device: device})
			if err != nil {
				return nil, err
			}
			defer g.Close()
			res, err := shapley.Estimate(t.Context(), g, shapley.Options{Estimator: "kernel", Budget: 40})
			if err != nil || d.Labels == nil {
				return res, err
			}
			bag, out, err := g.OutOfBag(t.Context(), 70, shapley.Seed{3})
			return []any{res, bag, out}, err
		})
	}
}

func TestALinearHeadHasTheSameLogitsOnEveryDevice(t *testing.T) {
	d := neighbours(9, 4, 5)
	everywhere(t, "head", func(device engine.Device) (any, error) {
		return head.Quantise(t.Context(), device, d.Train, d.Test, 9, 5, 4, 12)
	})
}
