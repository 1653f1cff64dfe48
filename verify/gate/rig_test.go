package gate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run is a training that can be measured.
type run struct {
	t      testing.TB
	spec   *engine.Spec
	plan   *gate.Plan
	engine engine.Engine
	data   *job.Dataset
	order  *job.Order
	ids    []int64
}

// processor is a device of this machine with a code path and so many threads.
func processor(t testing.TB, isa kernels.ISA, threads int) engine.Device {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: threads})
	must(t, err)
	t.Cleanup(cpu.Close)
	return engine.NewCPU("cpu", cpu, threads)
}

// fastest is a device of the best code path.
func fastest(t testing.TB) engine.Device {
	all := kernels.Available()
	return processor(t, all[len(all)-1], 1)
}

// begin starts a training of a program on data in an order.
func begin(t testing.TB, d engine.Device, p *program.Program, data *job.Dataset, order byte) *run {
	t.Helper()
	spec, err := engine.NewSpec(p, kernels.ProfileF32, 12)
	must(t, err)
	plan, err := gate.NewPlan(spec.Plan)
	must(t, err)
	spec.Reads = plan.Words()
	e, err := d.Start(t.Context(), spec)
	must(t, err)
	t.Cleanup(func() { e.Close(t.Context()) })
	must(t, e.Init(t.Context(), 11))
	j := &job.Job{Data: job.Data{Samples: uint64(data.Samples())}}
	return &run{t: t, spec: spec, plan: plan, engine: e, data: data,
		order: j.OrderFor(job.Assignment{Seed: merkle.Hash{order}}), ids: make([]int64, spec.Plan.X().Shape[0])}
}

// fill puts the rows of a step into the engine.
func (r *run) fill(step uint64) {
	r.t.Helper()
	must(r.t, r.order.Fill(step, r.ids))
	must(r.t, r.data.Fill(r.engine.Rows(), r.ids))
}

// step runs a step.
func (r *run) step(step uint64) {
	r.t.Helper()
	r.fill(step)
	_, err := r.engine.Step(r.t.Context(), step)
	must(r.t, err)
}

// measure runs a step and counts it, where a seed draws.
func (r *run) measure(step uint64, seed byte) *gate.Counters {
	r.t.Helper()
	r.fill(step)
	s := r.plan.Draw([32]byte{seed}, step)
	_, _, words, err := r.engine.Watch(r.t.Context(), step, nil, s.Reads)
	must(r.t, err)
	c, err := s.Count(words)
	must(r.t, err)
	return c
}

// save is a copy of the state.
func (r *run) save() (tensors [][]float32) {
	r.t.Helper()
	must(r.t, r.engine.Save(r.t.Context(), func(live [][]float32) error {
		for _, x := range live {
			tensors = append(tensors, append([]float32(nil), x...))
		}
		return nil
	}))
	return tensors
}

// load sets the state.
func (r *run) load(tensors [][]float32) {
	r.t.Helper()
	must(r.t, r.engine.Load(r.t.Context(), func(live [][]float32) error {
		for i, x := range live {
			copy(x, tensors[i])
		}
		return nil
	}))
}

// model is a program of each kind with its data.
type model struct {
	name    string
	program *program.Program
	data    *job.Dataset
}

// text is rows of random tokens out of eleven, each with the tokens that follow. Those of verifytest repeat themselves, so
// that a batch has equal rows by chance.
func text(t testing.TB, samples, context int) *job.Dataset {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	x, y := make([]int32, samples*context), make([]int32, samples*context)
	for i := range x {
		x[i] = r.Int32N(11)
		if i > 0 {
			y[i-1] = x[i]
		}
	}
	spec := program.TensorSpec{Kind: kernels.I32, Shape: []int{samples, context}}
	data, err := job.NewDataset(spec, kernels.Buf{I: x}, spec, kernels.Buf{I: y})
	must(t, err)
	return data
}

// models are of the size at which statistics say something.
func models(t testing.TB) []model {
	t.Helper()
	mlp := verifytest.MLP()
	mlp.BatchSize, mlp.Accumulation = 32, 1
	mlp.Graph = program.MLP(program.MLPConfig{Inputs: 36, Hidden: []int{64, 48}, Classes: 3})
	cnn := verifytest.CNN()
	cnn.BatchSize = 16
	cnn.Graph = program.CNN(program.CNNConfig{InChannels: 1, Height: 6, Width: 6, Channels: []int{8, 16}, Classes: 3})
	gpt := verifytest.GPT()
	gpt.BatchSize, gpt.Accumulation = 8, 1
	gpt.Graph = program.GPT(program.GPTConfig{Vocab: 11, Context: 6, Layers: 2, Heads: 2, Width: 32})
	blobs, err := verifytest.Blobs(600, 36)
	must(t, err)
	images, err := verifytest.Images(600)
	must(t, err)
	return []model{{"mlp", mlp, blobs}, {"cnn", cnn, images}, {"gpt", gpt, text(t, 400, 6)}}
}
