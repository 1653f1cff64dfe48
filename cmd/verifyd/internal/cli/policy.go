package cli

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
)

func (a *app) policyCommand() *cobra.Command {
	return group("policy", "Make, check and try out a scoring policy",
		a.policyNewCommand(), a.policyShowCommand(), a.policyCheckCommand(), a.policySimulateCommand())
}

func (a *app) policyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Print what a policy says, and its hash",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			p, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			return a.emitPolicy(p)
		}),
	}
}

func (a *app) policyCheckCommand() *cobra.Command {
	var want string
	cmd := &cobra.Command{
		Use:   "check FILE [--hash HASH]",
		Short: "Check that a policy can be applied, and that it is the one that was voted for",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			p, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			hash, err := p.Hash()
			if err != nil {
				return err
			}
			if want != "" && hash.String() != want {
				return fmt.Errorf("%s: hash %s, not %.80q", args[0], hash, want)
			}
			return a.emit(map[string]proofs.Hash{"hash": hash}, func(w io.Writer) { row(w, "hash", hash) })
		}),
	}
	cmd.Flags().StringVar(&want, "hash", "", "hash that the policy must have, 0x and 64 hex digits")
	return cmd
}

func (a *app) policySimulateCommand() *cobra.Command {
	var supply, points string
	var epochs int
	cmd := &cobra.Command{
		Use:   "simulate FILE --supply UNITS",
		Short: "Print how a policy dilutes a supply, epoch by epoch",
		Long: `simulate prints what each epoch would mint, the supply after it, by how much the
supply grows, and what is left of the share of somebody who holds tokens and
earns none. Without --points every epoch mints its whole budget: the worst case.`,
		Example: `  verifyd policy simulate policy.json --supply 1000000000 --epochs 52`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			p, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			before, err := proofs.ParseUint128(supply)
			if err != nil {
				return usageError{fmt.Errorf("--supply: %w", err)}
			}
			var earned *proofs.Uint128
			if points != "" {
				parsed, err := proofs.ParseUint128(points)
				if err != nil {
					return usageError{fmt.Errorf("--points: %w", err)}
				}
				earned = &parsed
			}
			forecasts, err := p.Dilute(before, earned, epochs)
			if err != nil {
				return err
			}
			return a.emit(forecasts, func(w io.Writer) {
				row(w, "epoch", "minted", "supply", "growth", "share kept")
				for _, f := range forecasts {
					row(w, f.Epoch, f.Minted, f.Supply, percent(f.Growth.Uint128), percent(f.Kept.Uint128))
				}
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&supply, "supply", "", "units that there are before the first epoch")
	f.StringVar(&points, "points", "", "points that claims make in each epoch; as many as the budget buys if not given")
	f.IntVar(&epochs, "epochs", 12, "epochs to look ahead")
	_ = cmd.MarkFlagRequired("supply") // fails only for a flag that is not there
	return cmd
}

// percent writes a number of millionths as a percentage.
func percent(millionths proofs.Uint128) string {
	return decimal(millionths, 4) + " %"
}

// decimal writes u with its last places behind a point.
func decimal(u proofs.Uint128, places int) string {
	digits := u.String()
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	cut := len(digits) - places
	if places == 0 {
		return digits
	}
	return digits[:cut] + "." + digits[cut:]
}

// readPolicy reads a policy of at most its limit.
func readPolicy(path string) (*policy.Policy, error) {
	data, err := readFile(path, policy.MaxSize)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(data)
	if err != nil {
		return nil, hint(fmt.Errorf("%s: %w", path, err), "the bytes are what is hashed; verifyd policy new writes them")
	}
	return p, nil
}

func (a *app) emitPolicy(p *policy.Policy) error {
	hash, err := p.Hash()
	if err != nil {
		return err
	}
	view := struct {
		Hash   proofs.Hash    `json:"hash"`
		Policy *policy.Policy `json:"policy"`
	}{hash, p}
	return a.emit(view, func(w io.Writer) {
		row(w, "hash", hash)
		row(w, "name", p.Name)
		places := int(p.Decimals)
		switch p.Mode {
		case policy.Pot:
			row(w, "pot", fmt.Sprintf("%s an epoch, shared in proportion to points", decimal(p.Budget.Uint128, places)))
		case policy.Price:
			row(w, "price", fmt.Sprintf("%s units for %s points", p.Price.Units, p.Price.Per))
			row(w, "budget", decimal(p.Budget.Uint128, places)+" an epoch")
		}
		m := p.Metrics
		metricText(w, "work", "gigaflop", m.Work)
		metricText(w, "quality", "gigaflop times quality", m.Quality)
		of := "nat of validation loss"
		if m.Improvement.Of == policy.Accuracy {
			of = "of validation accuracy, 1 being all"
		}
		metricText(w, "improvement", of, policy.Metric{Hi: m.Improvement.Hi, Lo: m.Improvement.Lo, Weight: m.Improvement.Weight})
		if least := m.Improvement.Least; least != nil {
			row(w, "least improvement", billionths(*least)+": below it work and quality count for nothing")
		}
		if p.Unaudited > 0 {
			row(w, "unaudited", fmt.Sprintf("%d millionths of the points of a claim that nobody replayed", p.Unaudited))
		}
		metricText(w, "value", fmt.Sprintf("of value less %s standard errors", decimal(proofs.Uint(uint64(m.Value.Margin)), 3)),
			policy.Metric{Hi: m.Value.Hi, Lo: m.Value.Lo, Weight: m.Value.Weight})
		if by := m.Value.By; by != nil {
			row(w, "value by", by)
		}
		if c := p.Caps.Work; c != nil {
			row(w, "cap by work", fmt.Sprintf("%s units for %s operations that were verified", c.Units, c.Per))
		}
		if c := p.Caps.Owner; c != nil {
			row(w, "cap by owner", decimal(c.Uint128, places)+" an epoch, with a roster")
		}
		if p.Beacon != nil {
			row(w, "beacon", chainText(p.Beacon.Hash))
		}
		row(w, "dust to", p.Dust)
		row(w, "validation set", p.Validation)
		for _, r := range p.Reasons {
			row(w, fmt.Sprintf("reason %d", r.Code), r.Name)
		}
	})
}

// metricText writes one metric's row, if it has a weight.
func metricText(w io.Writer, name, unit string, m policy.Metric) {
	if m.Weight != (policy.Uint{}) {
		row(w, name, fmt.Sprintf("%s points for 1 %s, from %s to %s", m.Weight, unit, billionths(m.Lo), billionths(m.Hi)))
	}
}

// billionths writes a metric in its own unit.
func billionths(i policy.Int) string {
	b, _ := new(big.Int).SetString(i.String(), 10)
	whole, rest := new(big.Int).QuoRem(b, big.NewInt(policy.One), new(big.Int))
	if rest.Sign() == 0 {
		return whole.String()
	}
	sign := ""
	if b.Sign() < 0 {
		sign = "-"
	}
	return sign + whole.Abs(whole).String() + "." + strings.TrimRight(fmt.Sprintf("%09d", rest.Abs(rest)), "0")
}

// errRate is what a rate on the command line is not.
var errRate = errors.New("want UNITS/PER, two integers above zero")

// parseRate reads UNITS/PER.
func parseRate(s string) (*policy.Rate, error) {
	units, per, ok := strings.Cut(s, "/")
	if !ok {
		return nil, errRate
	}
	var r policy.Rate
	if r.Units.UnmarshalText([]byte(units)) != nil || r.Per.UnmarshalText([]byte(per)) != nil {
		return nil, errRate
	}
	return &r, nil
}
