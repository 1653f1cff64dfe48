package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// adapterModels are a GPT-2 of 124 M parameters whose head is its token embedding, trained whole and with adapters of rank 8 on
// attention's projections, on rows of 128 tokens.
func adapterModels(quick bool) []model {
	config := program.GPTConfig{Vocab: 50257, Context: 128, Width: 768, Layers: 12, Heads: 12, Tied: true}
	if quick {
		config = program.GPTConfig{Vocab: 256, Context: 4, Width: 8, Layers: 1, Heads: 2, Tied: true}
	}
	whole := program.GPT(config)
	adapted := program.LoRA(whole, 8, func(name string) bool { return strings.HasSuffix(name, "qkv") || strings.HasSuffix(name, "proj") })
	of := func(g program.Graph, title string) model {
		return model{name: "gpt-124m", title: title, steps: 1, classes: 256, program: program.Program{
			Version: program.Version, BatchSize: 4, Accumulation: 1, Graph: g, Loss: program.CrossEntropy,
			Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1},
			Schedule:  program.Schedule{Kind: program.Constant, Rate: 3e-4}, ClipNorm: 1,
		}}
	}
	return []model{of(whole, "GPT-2 of 124 M, whole"), of(adapted, "GPT-2 of 124 M, adapters of rank 8")}
}

// measureAdapters times what a claim costs a step besides its arithmetic: the digests of gradients and of the state.
func (s *session) measureAdapters(ctx context.Context) error {
	for _, m := range adapterModels(s.options.Quick) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.adapters(m); err != nil {
			return fmt.Errorf("%s: %w", m.title, err)
		}
	}
	return nil
}

func (s *session) adapters(m model) error {
	spec, err := engine.NewSpec(&m.program, kernels.ProfileF32, 1)
	if err != nil {
		return err
	}
	t, err := newTrainer(m, s.cpus[0])
	if err != nil {
		return err
	}
	grads, states := state.NewHasher(spec.Gradient, 1), state.NewHasher(spec.State, 1)
	if spec.Frozen != nil {
		states.Freeze(state.NewHasher(spec.Frozen, 1).Root(state.Counters{}, t.machine.Frozen()))
	}
	hash := func() error {
		spec.Gradient.Root(state.Counters{}, grads.Digests(t.machine.Grads()))
		spec.State.Root(state.Counters{}, states.Digests(t.machine.Tensors()))
		return nil
	}
	rounds, warm := s.rounds(3)
	samples, err := Alternate(rounds, min(warm, 1), 0,
		Contender{Name: "step", Run: func() (Sample, error) { return timed(1, t.train) }},
		Contender{Name: "hashing", Run: func() (Sample, error) { return timed(1, hash) }})
	if err != nil {
		return err
	}
	step, hashing := spreadOf(samples[0]), spreadOf(samples[1])
	share := Row{Group: "adapters", Name: "hashing in a step of " + m.title, Threads: 1, Unit: "%",
		Value: 100 * over(hashing.CPU, step.CPU+hashing.CPU),
		Note:  fmt.Sprintf("%.3g s of arithmetic, %.3g s of hashing", step.CPU, hashing.CPU)}
	if slices.Contains(m.program.Graph.Frozen, "tok.weight") {
		share.Limit, share.Most = 3, true
	}
	s.add(share)
	parameters := 0
	for _, p := range spec.Plan.Params() {
		parameters += p.Len()
	}
	s.add(Row{Group: "adapters", Name: "memory of " + m.title, Value: float64(spec.Plan.MemoryBytes()) / (1 << 20), Unit: "MiB",
		Note: fmt.Sprintf("%d parameters are trained; a stored state has %.1f MiB, the frozen tensors, of which there is one copy, %.1f MiB",
			parameters, float64(spec.State.Bytes())/(1<<20), float64(spec.Plan.FrozenBytes())/(1<<20))})
	return nil
}
