package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
)

// policyOptions are what a governor decides, as text.
type policyOptions struct {
	from, out                             string // files
	name, mode, budget, price, dust       string
	work, quality, improvement, of, value string
	valueBy, beacon                       string
	fair                                  bool
	drawn                                 uint32
	capWork, capOwner, validation, rows   string
	reasons                               []string
	decimals                              uint8
	margin, unaudited                     uint32
	least                                 string
}

func (a *app) policyNewCommand() *cobra.Command {
	var o policyOptions
	cmd := &cobra.Command{
		Use:   "new --name NAME --budget UNITS --dust ACCOUNT --work WEIGHT --out FILE",
		Short: "Write a scoring policy in its one canonical form",
		Long: `new writes a policy: what verified work, improvement, value and quality of data
weigh, and what an epoch may pay. With --from it starts from another policy and
changes only what is given.

A metric is WEIGHT, WEIGHT:HI or WEIGHT:LO:HI. The weight is the points for one
gigaflop (work, quality), one nat or the whole of accuracy (improvement), or one
unit of value. LO and HI clip what is measured of one claim, in billionths of it. A
value without HI ends at 1000000000: one nat, or the whole of accuracy. Squared errors
may want more.

With a weight, values come from antithetic pairs of rounds in which an owner is one
player, all updates have one length and the beacon draws the validation rows: what
docs/paying.md shows to hold against those who would be paid for nothing.

There is no flat cap for each worker: it would pay whoever splits his identity.
--cap-work grows with verified work and --cap-owner needs a roster of owners.`,
		Example: `  verifyd policy new --name pool.v1 --budget 1000000000 --dust 0xd0... --work 1 --out policy.json
  verifyd policy new --from policy.json --name pool.v2 --cap-work 5/1000000000000 --out policy2.json`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			p := blankPolicy()
			if o.from != "" {
				var err error
				if p, err = readPolicy(o.from); err != nil {
					return err
				}
			}
			if err := o.apply(p, cmd.Flags()); err != nil {
				return usageError{err}
			}
			data, err := p.Encode()
			if err != nil {
				return err
			}
			if err := writeNew(o.out, data, 0o644); err != nil {
				return err
			}
			return a.emitPolicy(p)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "policy to start from")
	f.StringVar(&o.out, "out", "", "file to write; it must not exist")
	f.StringVar(&o.name, "name", "", "name for people: a-z, 0-9, dot, hyphen, underscore")
	f.StringVar(&o.mode, "mode", string(policy.Pot), "pot: the budget is shared; price: points are bought until the budget is reached")
	f.StringVar(&o.budget, "budget", "", "most units that an epoch may pay")
	f.Uint8Var(&o.decimals, "decimals", 0, "decimal places of a token that one unit is, for display")
	f.StringVar(&o.price, "price", "", "with --mode price: UNITS/POINTS")
	f.StringVar(&o.dust, "dust", "", "account that receives what rounding leaves: "+accountForm)
	f.StringVar(&o.beacon, "beacon", "", "chain that samples must come from, e.g. drand-quicknet; none takes any, a fixed one included")
	f.StringVar(&o.work, "work", "0", "weight of verified work, counted from the program")
	f.StringVar(&o.quality, "quality", "0", "weight of verified work times the quality of its data")
	f.StringVar(&o.improvement, "improvement", "0", "weight of improvement on the validation set")
	f.StringVar(&o.of, "of", string(policy.Loss), "what improves: loss or accuracy")
	f.StringVar(&o.least, "least-improvement", "", "improvement, in billionths, below which a claim's operations count for nothing; none demands nothing")
	f.Uint32Var(&o.unaudited, "unaudited", 0, "millionths of its points that a claim keeps which the beacon did not draw for audit")
	f.StringVar(&o.value, "value", "0", "weight of the data-utility (Shapley) value")
	f.StringVar(&o.valueBy, "value-by", fmt.Sprintf("%s:%d", valuation.RecommendedEstimator, valuation.RecommendedBudget), "ESTIMATOR:BUDGET: how values must come about; none leaves it, and the next two, to the list of claims")
	f.BoolVar(&o.fair, "value-fair", true, "value owners, not names, and all updates at one length")
	f.Uint32Var(&o.drawn, "value-rows", valuation.RecommendedRows, "validation rows that the beacon draws for each round, all if there are no more; 0 for all")
	f.Uint32Var(&o.margin, "margin", valuation.RecommendedMargin, "thousandths of its standard error that are taken off a value")
	f.StringVar(&o.validation, "validation", "", "root of the validation set, 0x and 64 hex digits")
	f.StringVar(&o.rows, "validation-rows", "", "the validation set itself, x and y (safetensors), whose root is taken")
	cmd.MarkFlagsMutuallyExclusive("validation", "validation-rows")
	f.StringVar(&o.capWork, "cap-work", "", "UNITS/OPERATIONS: most units for verified work; none removes it")
	f.StringVar(&o.capOwner, "cap-owner", "", "most units for one owner, who is named by a roster; none removes it")
	f.StringArrayVar(&o.reasons, "reason", nil, "CODE=NAME, 512 and up: a reason for withholding units; may be repeated")
	_ = cmd.MarkFlagRequired("out") // fails only for a flag that is not there
	complete(cmd, "mode", string(policy.Pot), string(policy.Price))
	complete(cmd, "of", string(policy.Loss), string(policy.Accuracy))
	return cmd
}

// The clip ranges of a metric that is given without: a yottaflop of work, what no
// loss comes near, and what no value of a claim does.
var (
	workRange  = proofs.Uint128{Hi: 1 << 16}
	worthRange = proofs.Uint(1 << 60)
	valueRange = proofs.Uint(valuation.RecommendedMost)
)

func blankPolicy() *policy.Policy {
	return &policy.Policy{
		Version: policy.Version, Mode: policy.Pot,
		Metrics: policy.Metrics{Improvement: policy.Improvement{Of: policy.Loss}, Value: policy.Value{Margin: valuation.RecommendedMargin}},
	}
}

// apply changes p by the flags that were given.
func (o *policyOptions) apply(p *policy.Policy, given *pflag.FlagSet) error {
	var wrong []error
	set := func(flag string, change func() error) {
		if given.Changed(flag) {
			if err := change(); err != nil {
				wrong = append(wrong, fmt.Errorf("--%s: %w", flag, err))
			}
		}
	}
	m := &p.Metrics
	set("name", func() error { p.Name = o.name; return nil })
	set("mode", func() error { p.Mode = policy.Mode(o.mode); return nil })
	set("budget", func() error { return p.Budget.UnmarshalText([]byte(o.budget)) })
	set("decimals", func() error { p.Decimals = o.decimals; return nil })
	set("dust", func() (err error) { p.Dust.Hash, err = proofs.ParseAccount(o.dust); return err })
	set("validation", func() error { return p.Validation.UnmarshalText([]byte(o.validation)) })
	set("validation-rows", func() error {
		rows, err := readData(o.rows)
		if err == nil {
			p.Validation.Hash = proofs.Hash(rows.Root())
		}
		return err
	})
	set("beacon", func() (err error) { p.Beacon, err = parseBeacon(o.beacon); return err })
	set("margin", func() error { m.Value.Margin = o.margin; return nil })
	set("of", func() error { m.Improvement.Of = policy.Measure(o.of); return nil })
	set("work", func() error { return parseMetric(o.work, workRange, &m.Work.Weight, &m.Work.Lo, &m.Work.Hi) })
	set("quality", func() error {
		return parseMetric(o.quality, workRange, &m.Quality.Weight, &m.Quality.Lo, &m.Quality.Hi)
	})
	set("improvement", func() error {
		return parseMetric(o.improvement, worthRange, &m.Improvement.Weight, &m.Improvement.Lo, &m.Improvement.Hi)
	})
	set("least-improvement", func() error {
		m.Improvement.Least = nil
		if o.least == "none" {
			return nil
		}
		m.Improvement.Least = new(policy.Int)
		return m.Improvement.Least.UnmarshalText([]byte(o.least))
	})
	set("unaudited", func() error { p.Unaudited = o.unaudited; return nil })
	weighed := m.Value.Weight
	set("value", func() error { return parseMetric(o.value, valueRange, &m.Value.Weight, &m.Value.Lo, &m.Value.Hi) })
	if weighed == (policy.Uint{}) && m.Value.Weight != weighed && m.Value.By == nil { // they say nothing of values so far
		m.Value.By = valuation.Recommended(m.Value.Weight.Uint128).By
	}
	set("value-by", func() (err error) { m.Value.By, err = parseEstimate(o.valueBy, m.Value.By); return err })
	set("value-fair", func() error { return o.by(m, func(by *policy.Estimate) { by.Fair = o.fair }) })
	set("value-rows", func() error { return o.by(m, func(by *policy.Estimate) { by.Rows = o.drawn }) })
	set("price", func() (err error) { p.Price, err = parseRate(o.price); return err })
	set("cap-work", func() (err error) {
		p.Caps.Work = nil
		if o.capWork != "none" {
			p.Caps.Work, err = parseRate(o.capWork)
		}
		return err
	})
	set("cap-owner", func() error {
		p.Caps.Owner = nil
		if o.capOwner == "none" {
			return nil
		}
		p.Caps.Owner = new(policy.Uint)
		return p.Caps.Owner.UnmarshalText([]byte(o.capOwner))
	})
	set("reason", func() error {
		p.Reasons = nil
		for _, r := range o.reasons {
			code, name, ok := strings.Cut(r, "=")
			n, err := strconv.ParseUint(code, 10, 16)
			if !ok || err != nil {
				return fmt.Errorf("%.80q: want CODE=NAME", r)
			}
			p.Reasons = append(p.Reasons, policy.OwnReason{Code: proofs.Reason(n), Name: name})
		}
		return nil
	})
	if p.Mode == policy.Pot && !given.Changed("price") {
		p.Price = nil // of the policy that this one started from
	}
	return errors.Join(wrong...)
}

// by changes how values must come about.
func (o *policyOptions) by(m *policy.Metrics, change func(*policy.Estimate)) error {
	if m.Value.By == nil {
		return errors.New("the policy leaves it to the list of claims how values come about: give --value-by")
	}
	change(m.Value.By)
	return nil
}

// parseEstimate reads ESTIMATOR:BUDGET, or none. What else is asked for stays as it was; it is as recommended if nothing was.
func parseEstimate(s string, before *policy.Estimate) (*policy.Estimate, error) {
	if s == "none" {
		return nil, nil
	}
	name, budget, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(budget, 10, 32)
	if _, unknown := shapley.Named(name); unknown != nil || err != nil {
		return nil, fmt.Errorf("%.80q: want ESTIMATOR:BUDGET, with an estimator of verifyd value estimators", s)
	}
	if before == nil {
		before = valuation.Recommended(proofs.Uint128{}).By
	}
	return &policy.Estimate{Budget: uint32(n), Estimator: name, Fair: before.Fair, Rows: before.Rows}, nil
}

// parseMetric reads WEIGHT, WEIGHT:HI or WEIGHT:LO:HI. Without a range, and
// with a weight, it is 0 to reach.
func parseMetric(s string, reach proofs.Uint128, weight *policy.Uint, lo, hi *policy.Int) error {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return fmt.Errorf("%.80q: want WEIGHT, WEIGHT:HI or WEIGHT:LO:HI", s)
	}
	if err := weight.UnmarshalText([]byte(parts[0])); err != nil {
		return err
	}
	*lo, *hi = policy.Int{}, policy.Int{}
	switch {
	case len(parts) > 1:
		if len(parts) == 3 {
			if err := lo.UnmarshalText([]byte(parts[1])); err != nil {
				return err
			}
		}
		return hi.UnmarshalText([]byte(parts[len(parts)-1]))
	case *weight != policy.Uint{}:
		hi.Int128 = proofs.Int128{Hi: int64(reach.Hi), Lo: reach.Lo}
	}
	return nil
}
