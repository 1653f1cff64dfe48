package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
)

// roundOptions are a round's files and what it is judged by.
type roundOptions struct {
	files        valuation.RoundFiles
	sizes        []uint
	accuracy     bool
	renormalised bool
	control      bool
}

func (o *roundOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.files.Program, "program", "", "program of the job (JSON)")
	f.StringVar(&o.files.Base, "base", "", "state before the round (safetensors)")
	f.StringArrayVar(&o.files.Updates, "update", nil, "state that a worker trained to (safetensors); repeat for each worker, in an order that does not change")
	f.UintSliceVar(&o.sizes, "sizes", nil, "rows that each worker trained on, as verified: the weights of their updates")
	f.StringVar(&o.files.Validation, "validation", "", "validation rows, x and y (safetensors)")
	f.BoolVar(&o.accuracy, "accuracy", false, "judge by rows predicted rightly instead of by the loss")
	f.BoolVar(&o.renormalised, "renormalised", false, "average within each coalition, as FedSV and GTG-Shapley do; WARNING: this pays free riders")
	f.BoolVar(&o.control, "control", false, "use the round's quadratic surrogate as a control variate (64 workers at most)")
	for _, name := range []string{"program", "base", "update", "sizes", "validation"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
}

// openRound is a round's game on this machine.
func (a *app) openRound(o *roundOptions) (*round.Round, round.Options, *round.Game, error) {
	isa, err := kernels.ParseISA(a.isa)
	if err != nil {
		return nil, round.Options{}, nil, err
	}
	for _, n := range o.sizes {
		o.files.Sizes = append(o.files.Sizes, uint64(n))
	}
	r, err := o.files.Read()
	if err != nil {
		return nil, round.Options{}, nil, err
	}
	ro := round.Options{Renormalised: o.renormalised, Threads: a.threads, ISA: isa}
	if o.accuracy {
		ro.Utility = round.Accuracy
	}
	g, err := round.New(*r, ro)
	return r, ro, g, err
}

// surrogateOf is a round's control variate; nil if none is wanted.
func surrogateOf(ctx context.Context, o *roundOptions, r *round.Round, ro round.Options) (*shapley.Control, error) {
	if !o.control {
		return nil, nil
	}
	s, err := round.NewSurrogate(ctx, *r, ro)
	if err != nil {
		return nil, err
	}
	c := &shapley.Control{Game: s}
	for _, v := range s.Values() {
		c.Values = append(c.Values, big.NewRat(v, 1))
	}
	return c, nil
}

func (a *app) valueRoundCommand() *cobra.Command {
	var ro roundOptions
	var eo estimateOptions
	cmd := &cobra.Command{
		Use:   "round --program FILE --base FILE --update FILE... --sizes N,N... --validation FILE --randomness HEX",
		Short: "Value the workers' updates of a training round",
		Long: `round values what each worker's update did for the loss on the validation rows:
U(S) = L(w0) - L(w0 + sum of a_i d_i over S), with weights a_i fixed over all
workers. A worker without an update gets exactly 0, and splitting gains nothing.

The certificate has the closed second order of the round, from three gradients and
no coalition, with the gap that it leaves, beside the estimate: antithetic pairs of
permutations, 8 unless --budget says otherwise.

With --out the transcript is kept, an interrupted run goes on where it stopped
and ends with the same bytes, and verifyd value audit checks it.`,
		Example: `  verifyd value round --program program.json --base round7.safetensors \
      --update alice.safetensors --update bob.safetensors --sizes 4096,4096 \
      --validation validation.safetensors --randomness $BEACON --out value7 --plot value7.svg`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.valueRound(cmd.Context(), ro, eo) }),
	}
	ro.flags(cmd)
	eo.flags(cmd)
	return cmd
}

func (a *app) valueRound(ctx context.Context, o roundOptions, eo estimateOptions) error {
	if err := fresh(eo.plot); err != nil {
		return err
	}
	if o.control && eo.estimator != "antithetic" {
		return usageError{errors.New("--control: only antithetic takes a control variate")}
	}
	if o.control && (o.accuracy || o.renormalised) {
		return usageError{errors.New("--control: only the game of the loss with fixed weights has a quadratic surrogate")}
	}
	if o.renormalised {
		a.log.Warn("renormalised weights pay free riders: a worker without an update is worth more than 0")
	}
	eo.control = o.control
	names := o.files.Names()
	r, ro, g, err := a.openRound(&o)
	if err != nil {
		return err
	}
	defer g.Close()
	run, err := eo.run("round", g.Root(), names)
	if err != nil {
		return err
	}
	second, err := secondOf(ctx, r, ro, g)
	if err != nil {
		return err
	}
	control, err := surrogateOf(ctx, &o, r, ro)
	if err != nil {
		return err
	}
	total := evaluations(run, len(names))
	progress := a.progress("coalitions")
	c, resumed, err := valuation.Estimate(ctx, eo.out, run, g, control, second, func(n uint64) { progress(min(n, total), total) })
	if err != nil {
		if ctx.Err() != nil && eo.out != "" {
			a.note("the transcript so far is in %s: the same command goes on from there", eo.out)
		}
		return err
	}
	if resumed > 0 {
		a.note("took up an interrupted run after %d utilities", resumed)
	}
	v := &valued{document: c, title: "Value of the round's updates", interval: intervalName(c.Result)}
	v.rows, v.notes = resultRows(c.Result, names)
	v.notes = append(v.notes, [2]string{"game", c.Root.String()})
	if second != nil {
		v.notes = append(v.notes, [2]string{"second order, gap", fmt.Sprintf("%s, %s", decimals(second.Values), utilityText(big.NewInt(second.Gap)))})
	}
	return a.emitValued(v, eo.plot)
}

func decimals(values []int64) string {
	s := ""
	for i, v := range values {
		if i == 8 {
			return s + fmt.Sprintf(" and %d more", len(values)-i)
		}
		if i > 0 {
			s += " "
		}
		s += utilityText(big.NewInt(v))
	}
	return s
}

// secondOf is the closed form of a round that has one.
func secondOf(ctx context.Context, r *round.Round, o round.Options, g *round.Game) (*valuation.Second, error) {
	if o.Utility != round.Loss || o.Renormalised {
		return nil, nil
	}
	s, err := round.SecondOrder(ctx, *r, o)
	if err != nil {
		return nil, err
	}
	gap, err := s.Gap(ctx, g)
	return &valuation.Second{Values: s.Values, Gap: gap}, err
}

// evaluations is how many utilities a run asks for, at most.
func evaluations(r valuation.Run, n int) uint64 {
	b, m := uint64(r.Budget), uint64(n)
	switch r.Estimator {
	case "exact", "exact-banzhaf", "exact-beta":
		return 1<<min(m, shapley.MaxExact) + 2
	case "antithetic":
		return 2*b*(m-1) + 2
	case "permutation", "truncated", "gtg", "beta":
		return b*(m-1) + 2
	case "owen":
		return 2*b*(m+1) + 2
	case "kernel", "leverage":
		return 2*b + 2
	case "loo":
		return m + 2
	}
	return b + 2*m + 2
}
