package inrun_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/inrun"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
	"github.com/verifyd/verifyd/verify/program"
)

// run is a training run on synthetic rows.
type run struct {
	program    *program.Program
	seed       uint64
	x          kernels.Buf // samples
	y          []int32
	vx         kernels.Buf // validation rows
	vy         []int32
	samples    int
	isa        kernels.ISA
	threads    int
	order      int
	validation int // rows a step
	forward    bool
}

// digits is a run of a small MLP.
func digits(samples, batch, accumulation int, rate float64) run {
	p := roundtest.MLP(16, 5, batch, rate, 12)
	p.Accumulation = accumulation
	train, val := roundtest.Digits(samples, 16, 5, 1.5, 1), roundtest.Digits(60, 16, 5, 1.5, 2)
	for i := range train.Y { // some labels are wrong
		if i%7 == 3 {
			train.Y[i] = (train.Y[i] + 1) % 5
		}
	}
	return run{program: p, seed: 9, x: kernels.Buf{F: train.X}, y: train.Y, vx: kernels.Buf{F: val.X}, vy: val.Y,
		samples: samples, threads: 1, order: 1}
}

// text is a run of a small GPT, whose rows have several positions.
func text(samples, batch, accumulation int) run {
	p := roundtest.MLP(1, 1, batch, 0.01)
	p.Accumulation = accumulation
	p.Graph = program.GPT(program.GPTConfig{Vocab: 11, Context: 6, Width: 8, Layers: 1, Heads: 2})
	ids := func(rows, salt int) (x, y []int32) {
		for r := range rows {
			for t := range 6 {
				x, y = append(x, int32((r*r+3*t+salt)%11)), append(y, int32((r*r+3*t+3+salt)%11))
			}
		}
		return x, y
	}
	r := run{program: p, samples: samples, threads: 1, order: 1}
	r.x.I, r.y = ids(samples, 0)
	r.vx.I, r.vy = ids(12, 5)
	return r
}

// machine is the program's machine, started.
func machine(t testing.TB, p *program.Program, seed uint64, o kernels.Options) (*program.Machine, *kernels.CPU) {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	must(t, err)
	cpu, err := kernels.NewCPU(o)
	must(t, err)
	t.Cleanup(cpu.Close)
	m, err := program.NewMachine(plan, cpu, seed)
	must(t, err)
	must(t, m.Init(3))
	return m, cpu
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load puts samples into the rows of a machine.
func (r *run) load(m *program.Machine, ids []int) {
	rows := len(ids)
	for k, i := range ids {
		if w := len(m.X().F) / rows; w > 0 {
			copy(m.X().F[k*w:(k+1)*w], r.x.F[i*w:])
		}
		if w := len(m.X().I) / rows; w > 0 {
			copy(m.X().I[k*w:(k+1)*w], r.x.I[i*w:])
		}
		w := len(m.Y().I) / rows
		copy(m.Y().I[k*w:(k+1)*w], r.y[i*w:])
	}
}

// ids are the samples of a step: consecutive ones, starting anywhere.
func (r *run) ids(step, rows int) []int {
	ids := make([]int, rows)
	for k := range ids {
		ids[k] = (step*rows*3 + k) % r.samples
	}
	return ids
}

// value trains for some steps, and calls each before a step with what the step is about to see.
func (r *run) value(t testing.TB, steps int, each func(step int, m *program.Machine, ids []int)) (*inrun.Accumulator, *program.Machine) {
	t.Helper()
	m, cpu := machine(t, r.program, r.seed, kernels.Options{ISA: r.isa, Threads: r.threads})
	a, err := inrun.New(inrun.Config{Program: r.program, Profile: kernels.ProfileF32, Seed: r.seed, Runner: cpu, X: r.vx, Y: kernels.Buf{I: r.vy},
		Samples: r.samples, Order: r.order, Rows: r.validation, Forward: r.forward})
	must(t, err)
	for s := range steps {
		ids := r.ids(s, r.program.BatchSize*r.program.Accumulation)
		r.load(m, ids)
		if each != nil {
			each(s, m, ids)
		}
		_, err := a.Step(uint64(s), m, ids)
		must(t, err)
		_, _, err = m.Update(uint64(s))
		must(t, err)
	}
	return a, m
}

// gradient is that of a mean loss at params, from a machine for so many rows.
func gradient(t testing.TB, m *program.Machine, params [][]float32) []float64 {
	t.Helper()
	for k, w := range params {
		copy(m.Tensors()[k], w)
	}
	_, err := m.Gradients(0)
	must(t, err)
	var g []float64
	for _, x := range m.Grads() {
		for _, v := range x {
			g = append(g, float64(v))
		}
	}
	return g
}

func inner(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// moved is params - by*x.
func moved(params [][]float32, x []float64, by float64) [][]float32 {
	out, at := make([][]float32, len(params)), 0
	for k, w := range params {
		for _, v := range w {
			out[k] = append(out[k], float32(float64(v)-by*x[at]))
			at++
		}
	}
	return out
}

// sized is a program with batches of so many rows.
func sized(p *program.Program, rows int) *program.Program {
	q := *p
	q.BatchSize, q.Accumulation, q.ClipNorm = rows, 1, 0
	return &q
}

// direct is the values by batches of one sample and a Hessian product by central differences.
func (r *run) direct(t testing.TB, steps int) []float64 {
	t.Helper()
	one, _ := machine(t, sized(r.program, 1), 0, kernels.Options{Threads: 1})
	rows := len(r.vy) / len(one.Y().I)
	val, _ := machine(t, sized(r.program, rows), 0, kernels.Options{Threads: 1})
	copy(val.X().F, r.vx.F)
	copy(val.X().I, r.vx.I)
	copy(val.Y().I, r.vy)
	phi := make([]float64, r.samples)
	r.value(t, steps, func(step int, m *program.Machine, ids []int) {
		params := m.Tensors()[:len(m.Grads())]
		rate := r.program.Schedule.Rate / float64(len(ids))
		all, own := make([]float64, 0), make([][]float64, len(ids))
		for k, i := range ids {
			r.load(one, []int{i})
			own[k] = gradient(t, one, params)
			if k == 0 {
				all = make([]float64, len(own[k]))
			}
			for e, v := range own[k] {
				all[e] += v
			}
		}
		if limit := r.program.ClipNorm; limit > 0 {
			rate *= min(1, limit/(math.Sqrt(inner(all, all))/float64(len(ids))+1e-6))
		}
		g := gradient(t, val, params)
		if r.order == 2 {
			const h = 0.5
			above, below := gradient(t, val, moved(params, all, -rate*h)), gradient(t, val, moved(params, all, rate*h))
			for e := range g {
				g[e] -= (above[e] - below[e]) / (2 * h) / 2
			}
		}
		for k, i := range ids {
			phi[i] += rate * inner(own[k], g)
		}
	})
	return phi
}

// distance is the relative L2 distance of values to wanted ones.
func distance(got []int64, want []float64) float64 {
	d, n := 0.0, 0.0
	for i, w := range want {
		x := float64(got[i])/1e9 - w
		d, n = d+x*x, n+w*w
	}
	return math.Sqrt(d / n)
}

func TestValuesAreTheProductsOfTheSamplesOwnGradients(t *testing.T) {
	cnn := digits(40, 8, 1, 0.05)
	cnn.program.Graph = program.CNN(program.CNNConfig{InChannels: 1, Height: 4, Width: 4, Channels: []int{3}, Classes: 5})
	few := digits(40, 8, 2, 0.1)
	few.vx.F, few.vy = few.vx.F[:3*16], few.vy[:3]
	clipped := digits(40, 8, 1, 0.1)
	clipped.program.ClipNorm = 0.3
	for name, r := range map[string]run{"mlp": digits(40, 8, 2, 0.1), "pairs": few, "clipped": clipped, "cnn": cnn, "gpt": text(20, 3, 2)} {
		for order := 1; order <= 2; order++ {
			r.order = order
			a, m := r.value(t, 5, nil)
			v, err := a.Values(m)
			must(t, err)
			if d := distance(v.Samples, r.direct(t, 5)); !(d < 1e-2) {
				t.Errorf("%s, order %d: relative distance %.2g", name, order, d)
			}
		}
	}
}

func TestPairsAndDifferencesAgree(t *testing.T) {
	for order := 1; order <= 2; order++ {
		r := digits(40, 8, 2, 0.1)
		r.order, r.validation = order, 2
		r.program.ClipNorm = 0.5
		r.program.Graph = program.MLP(program.MLPConfig{Inputs: 16, Hidden: []int{14, 13}, Classes: 5, Dropout: 0.3})
		var values [2]*inrun.Values
		for k := range values {
			r.forward = k == 1
			a, m := r.value(t, 6, nil)
			var err error
			values[k], err = a.Values(m)
			must(t, err)
		}
		want := make([]float64, 40)
		for i, v := range values[1].Samples {
			want[i] = float64(v) / 1e9
		}
		if d := distance(values[0].Samples, want); !(d < 2e-3) || slices.Equal(values[0].Samples, values[1].Samples) {
			t.Errorf("order %d: %.2g apart", order, d)
		}
		if values[0].Moved != values[1].Moved {
			t.Errorf("order %d: moved %d and %d", order, values[0].Moved, values[1].Moved)
		}
	}
}

func TestTheSecondOrderIsNearTheShapleyValueOfTheStep(t *testing.T) {
	const batch = 8
	r := digits(batch, batch, 1, 0.5)
	want := make([]float64, batch)
	r.value(t, 1, func(_ int, m *program.Machine, ids []int) {
		one, _ := machine(t, sized(r.program, 1), 0, kernels.Options{Threads: 1})
		val, _ := machine(t, sized(r.program, len(r.vy)), 0, kernels.Options{Threads: 1})
		copy(val.X().F, r.vx.F)
		copy(val.Y().I, r.vy)
		params, own := m.Tensors(), make([][]float64, batch)
		for i := range own {
			r.load(one, []int{i})
			own[i] = gradient(t, one, params)
		}
		game := shapley.Func{N: batch, Threads: 1, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
			x := make([]float64, len(own[0]))
			for _, i := range c.Members(nil) {
				for e, v := range own[i] {
					x[e] += v
				}
			}
			for k, w := range moved(params, x, 0.5/batch) {
				copy(val.Tensors()[k], w)
			}
			loss, _, err := val.Evaluate()
			return int64(-1e9 * float64(loss)), err
		}}
		res, err := shapley.Estimate(t.Context(), game, shapley.Options{Estimator: "exact"})
		must(t, err)
		for i, v := range res.Values {
			x, _ := v.Rat().Float64()
			want[i] = x / 1e9
		}
	})
	var distances [3]float64
	for r.order = 1; r.order <= 2; r.order++ {
		a, m := r.value(t, 1, nil)
		v, err := a.Values(m)
		must(t, err)
		distances[r.order] = distance(v.Samples, want)
		if rest := math.Abs(float64(v.Residual)) / math.Abs(float64(v.Moved)); r.order == 2 && !(rest < 0.05) {
			t.Errorf("%.2g of what the step moved is unexplained", rest)
		}
	}
	if !(distances[2] < 0.03 && distances[2] < distances[1]/3) {
		t.Errorf("first order %.2g from the exact values, second order %.2g", distances[1], distances[2])
	}
}

func TestValuesDoNotDependOnThreadsAndInstructionSets(t *testing.T) {
	r := digits(40, 8, 2, 0.1)
	r.order = 2
	r.program.ClipNorm = 0.5
	r.program.Graph = program.MLP(program.MLPConfig{Inputs: 16, Hidden: []int{12, 9}, Classes: 5, Dropout: 0.3})
	for _, r.validation = range []int{2, 25} { // by pairs, by differences
		var want *inrun.Values
		for _, isa := range kernels.Available() {
			for _, threads := range []int{1, 2, 8} {
				r.isa, r.threads = isa, threads
				a, m := r.value(t, 6, nil)
				v, err := a.Values(m)
				must(t, err)
				if want == nil {
					want = v
				}
				if !slices.Equal(v.Samples, want.Samples) || v.Moved != want.Moved || v.Residual != want.Residual {
					t.Errorf("%v with %d threads: other values", isa, threads)
				}
			}
		}
	}
}

func bytesOf(tensors [][]float32) []byte {
	var b bytes.Buffer
	for _, x := range tensors {
		for _, v := range x {
			b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	return b.Bytes()
}

func TestMislabelledSamplesAreWorthLess(t *testing.T) {
	r := digits(70, 10, 1, 0.1)
	a, m := r.value(t, 60, nil)
	v, err := a.Values(m)
	must(t, err)
	below, pairs := 0, 0
	for i, bad := range v.Samples {
		for j, good := range v.Samples {
			if i%7 == 3 && j%7 != 3 {
				if pairs++; bad < good {
					below++
				}
			}
		}
	}
	if auroc := float64(below) / float64(pairs); auroc < 0.8 {
		t.Errorf("a wrong label is worth less than a right one in %.3f of all cases", auroc)
	}
}

func TestTheRunsBytesAreThoseOfARunThatNobodyValues(t *testing.T) {
	r := digits(40, 8, 2, 0.1)
	r.order, r.validation = 2, 25
	r.program.ClipNorm = 0.5
	r.program.Optimizer = program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.01}
	r.program.Graph = program.MLP(program.MLPConfig{Inputs: 16, Hidden: []int{12}, Classes: 5, Dropout: 0.3})
	plain, _ := machine(t, r.program, r.seed, kernels.Options{Threads: 1})
	for s := range 6 {
		r.load(plain, r.ids(s, 16))
		_, err := plain.Gradients(uint64(s))
		must(t, err)
		_, _, err = plain.Update(uint64(s))
		must(t, err)
	}
	for _, r.validation = range []int{2, 25} {
		if _, m := r.value(t, 6, nil); !bytes.Equal(bytesOf(m.Tensors()), bytesOf(plain.Tensors())) {
			t.Error("valuing a run changes it")
		}
	}
}

func TestOwnersHaveTheSumOfTheirSamplesAndNothingWithoutAny(t *testing.T) {
	r := digits(40, 8, 1, 0.1)
	a, m := r.value(t, 5, nil)
	v, err := a.Values(m)
	must(t, err)
	owner, sums := make([]int, 40), make([]int64, 4)
	for i := range owner {
		owner[i] = i % 3
		sums[i%3] += v.Samples[i]
	}
	owners, err := a.Owners(owner, 4)
	must(t, err)
	total := int64(0)
	for o, x := range owners {
		total += x
		if d := x - sums[o]; d > 14 || d < -14 || o == 3 && x != 0 {
			t.Errorf("owner %d has %d, and its samples %d", o, x, sums[o])
		}
	}
	if d := v.Moved - v.Residual - total; d > 4 || d < -4 || v.Moved <= 0 {
		t.Errorf("moved %d, residual %d, owners %d", v.Moved, v.Residual, total)
	}
	if _, err := a.Owners(owner, 2); err == nil {
		t.Error("an owner who is not there is paid")
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	r := digits(40, 8, 1, 0.1)
	m, cpu := machine(t, r.program, 0, kernels.Options{Threads: 1})
	good := inrun.Config{Program: r.program, Profile: kernels.ProfileF32, Runner: cpu, X: r.vx, Y: kernels.Buf{I: r.vy}, Samples: 40, Order: 1}
	for want, change := range map[string]func(c *inrun.Config){
		"program":        func(c *inrun.Config) { c.Program = nil },
		"profile":        func(c *inrun.Config) { c.Profile = 0 },
		"order: 3":       func(c *inrun.Config) { c.Order = 3 },
		"samples: 0":     func(c *inrun.Config) { c.Samples = 0 },
		"validation: x":  func(c *inrun.Config) { c.X.F = c.X.F[1:] },
		"validation: y":  func(c *inrun.Config) { c.Y.I = c.Y.I[1:] },
		"outside 0 to 4": func(c *inrun.Config) { c.Y.I, c.Rows = append(c.Y.I[:59:59], 5), 7 },
		"rows: 61":       func(c *inrun.Config) { c.Rows = 61 },
	} {
		c := good
		change(&c)
		if _, err := inrun.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	a, err := inrun.New(good)
	must(t, err)
	if _, err := a.Step(0, m, make([]int, 7)); err == nil {
		t.Error("a step with too few samples is taken")
	}
	if _, err := a.Step(0, m, []int{0, 1, 2, 3, 4, 5, 6, 40}); err == nil {
		t.Error("a sample that is not there is taken")
	}
	r.load(m, make([]int, 8))
	_, err = a.Step(0, m, make([]int, 8))
	must(t, err)
	if _, err := a.Step(2, m, make([]int, 8)); err == nil || !strings.Contains(err.Error(), "consecutive") {
		t.Errorf("a gap: %v", err)
	}
	m.Tensors()[0][0] = float32(math.NaN())
	if _, err := a.Step(1, m, make([]int, 8)); err == nil {
		t.Error("a diverged run is valued")
	}
}
