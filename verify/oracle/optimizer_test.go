package oracle

import (
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// TestEngineAndOracleAgreeOnUpdates runs both from the same state for some steps, each step from the engine's
// gradients, so that only the updates are compared.
func TestEngineAndOracleAgreeOnUpdates(t *testing.T) {
	slow := program.Schedule{Kind: program.Exponential, Rate: 0.001, Factor: 0.5}
	cases := map[string]struct {
		optimizer program.Optimizer
		clip      float64
		groups    []program.Group
	}{
		"sgd":                     {program.Optimizer{Kind: program.SGD}, 0, nil},
		"sgd, weight decay":       {program.Optimizer{Kind: program.SGD, WeightDecay: 0.1}, 0, nil},
		"momentum":                {program.Optimizer{Kind: program.SGD, Momentum: 0.9, WeightDecay: 0.01}, 0, nil},
		"momentum, clipped":       {program.Optimizer{Kind: program.SGD, Momentum: 0.9}, 0.01, nil},
		"momentum with dampening": {program.Optimizer{Kind: program.SGD, Momentum: 0.9, Dampening: 0.3}, 0, nil},
		"nesterov":                {program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 0.01}, 0, nil},
		"adam":                    {program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, 0, nil},
		"adam, weight decay":      {program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1}, 0, nil},
		"adamw":                   {program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, 0, nil},
		"adamw, clipped":          {program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}, 0.01, nil},
		"adamw, not quite":        {program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8}, 1000, nil},
		"sgd, groups": {program.Optimizer{Kind: program.SGD, Momentum: 0.9, WeightDecay: 0.1}, 0, []program.Group{
			{Params: []string{"net.0.bias", "net.2.weight"}, Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.5, Nesterov: true}, Schedule: slow},
			{Params: []string{"net.2.bias"}, Optimizer: program.Optimizer{Kind: program.SGD, WeightDecay: 0.2}, Schedule: slow},
		}},
		"adamw, groups, clipped": {program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1}, 0.01, []program.Group{
			{Params: []string{"net.0.bias", "net.2.bias"}, Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, Schedule: slow},
			{Params: []string{"net.2.weight"}, Optimizer: program.Optimizer{Kind: program.AdamW, Beta1: 0.8, Beta2: 0.9, Eps: 1e-6, WeightDecay: 0.3}, Schedule: slow},
		}},
	}
	for _, cpu := range engines(t) {
		for name, c := range cases {
			t.Run(name+"/"+cpu.ISA().String(), func(t *testing.T) { compareUpdates(t, cpu, c.optimizer, c.groups, c.clip) })
		}
	}
}

// compareUpdates takes five steps with the engine, and each update with the oracle too.
func compareUpdates(t *testing.T, cpu *kernels.CPU, optimizer program.Optimizer, groups []program.Group, clip float64) {
	p := &program.Program{Version: program.Version, BatchSize: 6, Accumulation: 1, Loss: program.CrossEntropy,
		Graph:     program.MLP(program.MLPConfig{Inputs: 12, Hidden: []int{9}, Classes: 3}),
		Optimizer: optimizer, Groups: groups, ClipNorm: clip,
		Schedule: program.Schedule{Kind: program.CosineDecay, Rate: 0.01, Warmup: 2, Steps: 9, Floor: 1e-4}}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	m, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Init(1); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	fill(m, plan)
	state := wide(m.Tensors())
	at := map[string]int{}
	for i, spec := range plan.Tensors() {
		at[spec.Name] = i
	}
	slot := func(kind, param string) []float64 {
		if i, ok := at["opt/"+kind+"/"+param]; ok {
			return state[i]
		}
		return nil
	}
	for step := range uint64(5) {
		for i := range m.X().F {
			m.X().F[i] = float32(r.NormFloat64())
		}
		if _, err := m.Gradients(step); err != nil {
			t.Fatal(err)
		}
		grads := wide(m.Grads())
		norm := Clip(grads, clip)
		for i, spec := range plan.Params() {
			s := Slots{slot("momentum_buffer", spec.Name), slot("exp_avg", spec.Name), slot("exp_avg_sq", spec.Name)}
			o, schedule := RuleOf(p, spec.Name)
			if err := Step(o, step, float64(schedule.At(step)), state[i], grads[i], s); err != nil {
				t.Fatal(err)
			}
		}
		got, _, err := m.Update(step)
		if err != nil {
			t.Fatal(err)
		}
		if clip > 0 && distance([]float32{got}, []float64{norm}) > 1e-6 {
			t.Errorf("step %d: norm %v, oracle %v", step, got, norm)
		}
		for i, spec := range plan.Tensors() {
			if d := distance(m.Tensors()[i], state[i]); !(d < limit) {
				t.Errorf("step %d: %s: relative error %.2g, limit %.2g", step, spec.Name, d, limit)
			}
		}
	}
}
