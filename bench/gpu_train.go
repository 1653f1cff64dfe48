package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// gpuTrainer runs a model's steps on a card: one graph a step, with the rows copied in and the loss out, and
// without the digests that a claim needs.
type gpuTrainer struct {
	model   model
	plan    *program.Plan
	tape    *program.Tape
	device  *cgo.Accelerator
	routine int
	in, out []uint32
	x, y    kernels.Buf
	step    uint64
}

// newGPUTrainer compiles the model, sets its parameters on the card and fills its batch, always with the same
// values: those of newTrainer.
func (s *gpuSession) newGPUTrainer(ctx context.Context, m model) (*gpuTrainer, error) {
	plan, err := program.Compile(&m.program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	t := &gpuTrainer{model: m, plan: plan, tape: plan.Tape(0)}
	t.in, t.out = make([]uint32, t.tape.In.Words), make([]uint32, t.tape.Out.Words)
	t.x, t.y = plan.X().Buf(), plan.Y().Buf()
	m.fill(t.x, t.y)
	limit, err := s.card.limit()
	if err != nil {
		return nil, err
	}
	if t.device, err = cgo.NewAccelerator(ctx, s.card.device, s.card.kernels, t.tape.Words, limit); err != nil {
		return nil, err
	}
	if err := t.start(ctx); err != nil {
		return nil, errors.Join(err, t.close(ctx))
	}
	return t, nil
}

// start records a step and sets the initial state.
func (t *gpuTrainer) start(ctx context.Context) error {
	work, err := launch.Calls(t.tape.Calls())
	if err != nil {
		return err
	}
	t.routine, err = t.device.Record(ctx, launch.Routine{Calls: work, In: t.tape.In, Out: t.tape.Out})
	if err != nil {
		return err
	}
	state := make([]float32, t.tape.State.Words)
	var tensors [][]float32
	for _, r := range t.tape.Tensors {
		tensors = append(tensors, state[r.Offset-t.tape.State.Offset:][:r.Words])
	}
	t.plan.Start(tensors)
	bits := make([]uint32, len(state))
	for i, v := range state {
		bits[i] = math.Float32bits(v)
	}
	if err := t.device.Write(ctx, t.tape.State.Offset, bits); err != nil {
		return err
	}
	if work, err = launch.Calls(t.tape.Init); err != nil {
		return err
	}
	init, err := t.device.Record(ctx, launch.Routine{Calls: work, In: t.tape.In})
	if err != nil {
		return err
	}
	t.tape.FillInit(t.in, 1)
	t.step = 0
	return t.device.Run(ctx, init, t.in, nil)
}

func (t *gpuTrainer) close(ctx context.Context) error {
	return t.device.Close(context.WithoutCancel(ctx))
}

// train does one step and returns its loss.
func (t *gpuTrainer) train(ctx context.Context) (float64, error) {
	if err := t.tape.Fill(t.in, []kernels.Buf{t.x, t.y}, 1, t.step); err != nil {
		return 0, err
	}
	t.step++
	if err := t.device.Run(ctx, t.routine, t.in, t.out); err != nil {
		return 0, err
	}
	return float64(math.Float32frombits(t.out[t.tape.Loss.Offset-t.tape.Out.Offset])), nil
}

// write saves the parameters and the batch where a peer finds them.
func (t *gpuTrainer) write(ctx context.Context, path string) (err error) {
	var tensors []safetensors.Tensor
	for i, spec := range t.plan.Tensors()[:len(t.plan.Params())] {
		bits := make([]uint32, spec.Len())
		if err := t.device.Read(ctx, bits, t.tape.Tensors[i].Offset); err != nil {
			return err
		}
		values := make([]float32, len(bits))
		for k, b := range bits {
			values[k] = math.Float32frombits(b)
		}
		tensors = append(tensors, safetensors.Tensor{Name: spec.Name, Shape: spec.Shape, F32: values})
	}
	tensors = append(tensors, stored(t.plan.X(), t.x), stored(t.plan.Y(), t.y))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return safetensors.Write(f, nil, tensors)
}

// agree gives the peer the model's start and makes both sides train some steps from it, as sameStart does.
func (t *gpuTrainer) agree(ctx context.Context, p *Peer, dir string) error {
	if err := t.write(ctx, t.model.file(dir)); err != nil {
		return err
	}
	var zero, count int
	if err := p.Ask(fmt.Sprintf("setup %s %s", t.model.name, t.model.file(dir)), &zero, &count); err != nil {
		return err
	}
	ours := 0
	for _, spec := range t.plan.Params() {
		ours += spec.Len()
	}
	if count != ours {
		return fmt.Errorf("%s: %d parameters here and %d in %s", t.model.name, ours, count, p.Version)
	}
	var theirs [3]float64
	if err := p.Ask("losses 3", &theirs[0], &theirs[1], &theirs[2]); err != nil {
		return err
	}
	for step, want := range theirs {
		loss, err := t.train(ctx)
		if err != nil {
			return err
		}
		if d := math.Abs(loss/want - 1); !(d <= 1e-3) { // the products of a GPU have other orders than the CPU's
			return fmt.Errorf("%s: the loss of step %d is %g here and %g in %s", t.model.name, step, loss, want, p.Version)
		}
	}
	return os.Remove(t.model.file(dir))
}

// foreseenSteps are the ratios to PyTorch that follow from the floors: results/gpu-prediction.md.
var foreseenSteps = map[string]float64{"mlp": 2.2, "cnn": 2.5, "gpt": 2.2, "gpt2": 0.95}

// measureTrain compares steps of the small models with PyTorch's, and of the GPT with two cores of this machine.
func (s *gpuSession) measureTrain(ctx context.Context) error {
	for _, m := range models(s.options.Quick) {
		m.steps = 50
		if s.options.Quick {
			m.steps = 1
		}
		if err := s.steps(ctx, m, "train", 2, 5); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// gpt2 is GPT-2 small with an output layer of its own: 163 million parameters, of which 124 million do not
// repeat the embedding.
func gpt2() model {
	g := program.GPT(program.GPTConfig{Vocab: 50257, Context: 1024, Width: 768, Layers: 12, Heads: 12})
	return model{name: "gpt2", title: "GPT-2 small, 8 x 1024 tokens, AdamW, clipped", steps: 2, classes: 256, program: program.Program{
		Version: program.Version, BatchSize: 8, Accumulation: 1, Graph: g, Loss: program.CrossEntropy, ClipNorm: 1,
		Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
		Schedule:  program.Schedule{Kind: program.Constant, Rate: 3e-4},
	}}
}

// measureGPT2 compares steps of GPT-2 small.
func (s *gpuSession) measureGPT2(ctx context.Context) error {
	if s.options.Quick {
		return nil
	}
	err := s.steps(ctx, gpt2(), "gpt2", 0.8, 1.3)
	if errors.Is(err, cgo.ErrOutOfMemory) {
		s.add(Row{Group: "gpt2", Name: gpt2().title, Note: "left out: " + err.Error()})
		return nil
	}
	return err
}

// steps compares bare training steps with PyTorch's, and adds what the digests of a replayed step cost.
func (s *gpuSession) steps(ctx context.Context, m model, group string, limit, goal float64) error {
	row, err := s.bareSteps(ctx, m, group)
	if err != nil {
		return err
	}
	row.Limit, row.Goal, row.Predicted = limit, goal, foreseenSteps[m.name]
	s.add(row)
	return s.replayed(ctx, m, group, row.Ours.Median)
}

// bareSteps compares training steps without digests, and those of the GPT with two cores as well.
func (s *gpuSession) bareSteps(ctx context.Context, m model, group string) (row Row, err error) {
	t, err := s.newGPUTrainer(ctx, m)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, t.close(ctx)) }()
	if s.torch != nil {
		if err := t.agree(ctx, s.torch, s.dir); err != nil {
			return row, err
		}
	}
	bare := func() error { _, err := t.train(ctx); return err }
	ours := Contender{Name: "verifyd", Run: func() (Sample, error) {
		if err := bare(); err != nil {
			return Sample{}, err
		}
		return timed(m.steps, bare)
	}}
	rounds, warm := s.rounds(9)
	samples, err := Alternate(rounds, warm, 0, s.contenders(ours, fmt.Sprintf("step %d", m.steps))...)
	if err != nil {
		return row, err
	}
	row = s.versus(group, "step of "+m.title, samples[0], samples[1:])
	row.Floor = s.top.floor(float64(t.plan.FLOPs()), traffic(t.tape))
	if m.name == "gpt" {
		err = s.againstCPU(ctx, m, bare)
	}
	return row, err
}

// traffic is the bytes that a step moves if every operator reads and writes each operand once.
func traffic(t *program.Tape) float64 {
	bytes := 0.0
	for _, c := range t.Calls() {
		for i, o := range c.Op.Operands() {
			bytes += 4 * float64(c.Operands[i].Words)
			if o.Access == kernels.InOut {
				bytes += 4 * float64(c.Operands[i].Words)
			}
		}
	}
	return bytes
}

// replayed times a step as a verifier runs it: with the digests of its gradients and of the next state.
func (s *gpuSession) replayed(ctx context.Context, m model, group string, bare float64) (err error) {
	spec, err := engine.NewSpec(&m.program, kernels.ProfileF32, 1)
	if err != nil {
		return err
	}
	limit, err := s.card.limit()
	if err != nil {
		return err
	}
	e, err := engine.NewAccelerated(ctx, spec, func(ctx context.Context, words int) (engine.Accelerator, error) {
		return cgo.NewAccelerator(ctx, s.card.device, s.card.kernels, words, limit)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	if err := e.Init(ctx, 1); err != nil {
		return err
	}
	m.fill(e.X(), e.Y())
	step := uint64(0)
	rounds, warm := s.rounds(5)
	samples, err := Alternate(rounds, warm, 0, Contender{Name: "verifyd", Run: func() (Sample, error) {
		return timed(m.steps, func() error { step++; _, err := e.Step(ctx, step); return err })
	}})
	if err != nil {
		return err
	}
	spread := spreadOf(samples[0])
	row := Row{Group: group, Name: "the same with the digests of a claim", Ours: &spread, Note: fmt.Sprintf("%.2f times the bare step", over(spread.Median, bare))}
	if s.top != nil {
		row.Floor = s.top.floor(float64(spec.Plan.FLOPs()), 0) + float64(spec.State.Bytes()+spec.Gradient.Bytes())/s.top.hash
	}
	s.add(row)
	return nil
}

// againstCPU compares steps with those of two cores of this machine.
func (s *gpuSession) againstCPU(ctx context.Context, m model, bare func() error) error {
	t, err := newTrainer(m, s.cpus[1])
	if err != nil {
		return err
	}
	rounds, _ := s.rounds(5)
	samples, err := Alternate(rounds, 1, 0,
		Contender{Name: "verifyd", Run: func() (Sample, error) { return timed(m.steps, bare) }},
		Contender{Name: "two cores", Run: func() (Sample, error) { return timed(1, t.train) }})
	if err != nil {
		return err
	}
	row := s.compare("cpu", "step of "+m.title, 0, samples[0], samples[1:], "verifyd, 2 threads")
	row.Limit, row.Goal, row.Predicted = 50, 200, 110
	s.add(row)
	return nil
}
