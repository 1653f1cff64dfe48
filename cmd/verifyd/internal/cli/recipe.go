package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/program"
)

// recipe is how any model is trained, as flags have it.
type recipe struct {
	p      program.Program
	loss   string
	labels program.Labels
	drop   *float64
	out    string

	matrices bool // alone decay
}

// flags declares them. Those of a schedule and an optimizer are called after
// the program's fields, which errors name.
func (r *recipe) flags(cmd *cobra.Command) {
	p, o, s := &r.p, &r.p.Optimizer, &r.p.Schedule
	f := cmd.Flags()
	f.StringVar(&r.out, "out", "", "file to write, which must not exist; standard output if not given")
	f.StringVar(&r.loss, "loss", string(program.CrossEntropy), "cross_entropy, masked_cross_entropy, mse or bce_with_logits, the mean over a step")
	f.Float64Var(&r.labels.Smoothing, "label-smoothing", 0, "masked_cross_entropy: share of each label that all classes have alike")
	f.Int32Var(&r.labels.Ignore, "ignore-index", -100, "masked_cross_entropy: the label of what does not count")
	f.IntVar(&p.BatchSize, "batch-size", 32, "samples of a micro-batch")
	f.IntVar(&p.Accumulation, "accumulation", 1, "micro-batches of a step, whose gradients are added")
	f.Float64Var(&p.ClipNorm, "clip-norm", 0, "largest norm of all gradients together; 0 does not clip")

	f.StringVar(&o.Kind, "optimizer", program.SGD, "sgd, adam or adamw")
	f.Float64Var(&o.WeightDecay, "weight-decay", 0, "added to the gradient; decoupled in adamw")
	f.BoolVar(&r.matrices, "decay-matrices", false, "no weight decay of tensors of one dimension: of biases and norms")
	f.Float64Var(&o.Momentum, "momentum", 0, "sgd")
	f.Float64Var(&o.Dampening, "dampening", 0, "sgd with momentum")
	f.BoolVar(&o.Nesterov, "nesterov", false, "sgd with momentum")
	f.Float64Var(&o.Beta1, "beta1", 0.9, "adam and adamw")
	f.Float64Var(&o.Beta2, "beta2", 0.999, "adam and adamw")
	f.Float64Var(&o.Eps, "eps", 1e-8, "adam and adamw")

	f.StringVar(&s.Kind, "schedule", program.Constant, "of the learning rate: constant, linear, cosine, step or exponential")
	f.Float64Var(&s.Rate, "rate", 0, "highest learning rate")
	f.Uint64Var(&s.Warmup, "warmup", 0, "steps in which the rate rises to its highest, by equal parts from one such part on")
	f.Uint64Var(&s.Ramp, "ramp", 0, "steps in which the rate rises to its highest, from --ramp-from on; instead of --warmup")
	f.Float64Var(&s.From, "ramp-from", 0, "part of the highest rate at the first step of --ramp")
	f.Uint64Var(&s.Steps, "schedule-steps", 0, "linear and cosine: the step at which the floor is reached")
	f.Float64Var(&s.Floor, "schedule-floor", 0, "linear and cosine: the rate from then on")
	f.Uint64Var(&s.Every, "schedule-every", 0, "step: steps between two reductions")
	f.Float64Var(&s.Factor, "schedule-factor", 0, "step and exponential: what the rate is multiplied by")

	complete(cmd, "loss", string(program.CrossEntropy), string(program.MaskedCrossEntropy), string(program.MSE), string(program.BCE))
	complete(cmd, "optimizer", program.SGD, program.Adam, program.AdamW)
	complete(cmd, "schedule", program.Constant, program.LinearDecay, program.CosineDecay, program.StepDecay, program.Exponential)
	require(cmd, "rate")
}

// dropout declares the one flag of a model that all models share.
func (r *recipe) dropout(cmd *cobra.Command, p *float64, where string) {
	r.drop = p
	cmd.Flags().Float64Var(p, "dropout", 0, "probability of dropout "+where)
}

// program is what the flags say, without the graph.
func (r *recipe) program(cmd *cobra.Command) (program.Program, error) {
	p := r.p
	p.Version, p.Loss = program.Version, program.Loss(r.loss)
	if p.Loss == program.MaskedCrossEntropy {
		p.Labels = &r.labels
	} else if cmd.Flags().Changed("label-smoothing") || cmd.Flags().Changed("ignore-index") {
		return p, fmt.Errorf("--label-smoothing and --ignore-index are for --loss %s", program.MaskedCrossEntropy)
	}
	if p.Optimizer.Kind == program.SGD {
		// Adam's defaults are not sgd's; what was given is left for the program to refuse.
		for name, field := range map[string]*float64{"beta1": &p.Optimizer.Beta1, "beta2": &p.Optimizer.Beta2, "eps": &p.Optimizer.Eps} {
			if !cmd.Flags().Changed(name) {
				*field = 0
			}
		}
	}
	if d := *r.drop; !(d >= 0 && d < 1) {
		return p, fmt.Errorf("--dropout %v: want 0 or more, below 1", d)
	}
	return p, nil
}

// group takes the decay from what it is not for.
func (r *recipe) group(p *program.Program) error {
	if !r.matrices {
		return nil
	}
	if p.Optimizer.WeightDecay == 0 {
		return errors.New("--decay-matrices needs a --weight-decay")
	}
	walked, err := p.Graph.Walk()
	if err != nil {
		return err
	}
	g := program.Group{Optimizer: p.Optimizer, Schedule: p.Schedule}
	g.Optimizer.WeightDecay = 0
	for _, w := range walked {
		for _, t := range w.Params {
			if len(t.Shape) == 1 {
				g.Params = append(g.Params, t.Name)
			}
		}
	}
	slices.Sort(g.Params)
	if len(g.Params) > 0 {
		p.Groups = []program.Group{g}
	}
	return nil
}

// bounded is a flag's numbers and their limits.
type bounded struct {
	flag   string
	lo, hi int
	values []int
}

// atLeast1 is a flag of sizes, each at least 1.
func atLeast1(flag string, values ...int) bounded {
	return bounded{flag, 1, program.MaxElements, values}
}

// sizes refuses what no tensor can have, before a graph is built of it.
func sizes(flags ...bounded) error {
	for _, f := range flags {
		for _, v := range f.values {
			if v < f.lo || v > f.hi {
				return fmt.Errorf("--%s %d: want %d to %d", f.flag, v, f.lo, f.hi)
			}
		}
	}
	return nil
}

// require marks flags as needed.
func require(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
}
