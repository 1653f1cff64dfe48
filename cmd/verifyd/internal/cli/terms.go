package cli

import (
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/odds"
)

// amount is a number with at most six decimals as a flag has it.
type amount struct {
	*big.Rat
	text string
}

func amountOf(text string) amount {
	a := amount{}
	_ = a.Set(text) // the texts in this package are amounts
	return a
}

func (a *amount) Set(text string) (err error) {
	if a.Rat, err = odds.ParseAmount(text); err == nil {
		a.text = text
	}
	return err
}

func (a *amount) String() string { return a.text }

func (*amount) Type() string { return "NUMBER" }

// stakes are what an operator says of the money in a job, and of how far replays find lies.
type stakes struct{ pay, cost, bond, miss, power amount }

func (s *stakes) flags(cmd *cobra.Command) {
	*s = stakes{amountOf("0"), amountOf("0"), amountOf("0"), amountOf("0"), amountOf("0")}
	f := cmd.Flags()
	f.Var(&s.pay, "pay", "of a claim, in any unit")
	f.Var(&s.cost, "cost", "of doing a claim's work, in the same unit: that of the cheapest worker")
	f.Var(&s.bond, "bond", "what a FAIL forfeits besides the pay that is held, in the same unit")
	f.Var(&s.miss, "miss", "probability that a replayed lie is not called one, as by a lazy verifier")
	f.Var(&s.power, "gate-power", "share of the lies missed by chance that the gate leads to, as measured of its version")
}

// asked says whether any of the flags was given.
func (s *stakes) asked(cmd *cobra.Command) bool {
	for _, name := range []string{"pay", "cost", "bond", "miss", "gate-power"} {
		if cmd.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// conditionView is a way to be paid for no work, as data. Numbers are rounded up.
type conditionView struct {
	Held uint64 `json:"held"`
	Gain string `json:"gain"`
	Paid string `json:"paid"`
	Met  bool   `json:"met"`
}

func conditionOf(c odds.Condition) conditionView {
	return conditionView{c.Held, upward(c.Gain), upward(c.Paid), c.Met()}
}

// conditionsView is how the ways to be paid for no work fare under terms.
type conditionsView struct {
	OneLie    conditionView `json:"oneLie"`
	NewKeys   conditionView `json:"newKeys"`
	EachClaim conditionView `json:"eachClaim"`
	Alike     conditionView `json:"drawnAlike"` // new keys, if no more were drawn of them than of everybody
	Met       bool          `json:"met"`
	Alone     []string      `json:"alone,omitempty"` // what would let no lie pay, changed alone; where one does
}

func conditionsOf(t odds.Terms) conditionsView {
	alike := t
	alike.Most = t.Least
	v := conditionsView{
		OneLie: conditionOf(t.OneLie()), NewKeys: conditionOf(t.NewKeys()), EachClaim: conditionOf(t.EachClaim()), Alike: conditionOf(alike.NewKeys()),
		Met: t.Meets(),
	}
	if !v.Met {
		v.Alone = alone(t)
	}
	return v
}

func conditionsText(w io.Writer, v conditionsView) {
	line := func(name string, c conditionView, of string) {
		row(w, name, fmt.Sprintf("gains %s a %s beside work; %s of such claims are paid", c.Gain, of, c.Paid))
	}
	line(fmt.Sprintf("one lie, %d held", v.OneLie.Held), v.OneLie, "lie")
	line("lies, new keys", v.NewKeys, "claim")
	line("as if drawn alike", v.Alike, "claim")
	line(fmt.Sprintf("best lie, %d held", v.EachClaim.Held), v.EachClaim, "lie")
	if v.Met {
		row(w, "so", "no lie pays")
		return
	}
	row(w, "so", "a lie pays")
	for _, what := range v.Alone {
		row(w, "alone would do", what)
	}
}

// alone lists what would, changed alone, let no lie pay.
func alone(t odds.Terms) (list []string) {
	if u, err := t.WithDrawn(); err == nil {
		list = append(list, fmt.Sprintf("%d:%d segments drawn", u.Least, u.Most))
	}
	if u, ok := t.WithHold(); ok && u.Meets() {
		list = append(list, fmt.Sprintf("a hold of %d claims", u.Hold))
	}
	return append(list, "a bond of "+plain(t.WithBond().Bond))
}

// upward writes a number with six decimals, rounded up.
func upward(r *big.Rat) string {
	if r.Sign() < 0 {
		return strings.Replace("-"+odds.Decimal(new(big.Rat).Neg(r)), "-0.000000", "0.000000", 1)
	}
	scale := big.NewRat(1_000_000, 1)
	n := new(big.Rat).Mul(r, scale)
	whole := new(big.Int).Add(n.Num(), new(big.Int).Sub(n.Denom(), big.NewInt(1)))
	return odds.Decimal(n.SetFrac(whole.Quo(whole, n.Denom()), scale.Num()))
}

// plain writes a number of at most six decimals without needless zeros.
func plain(r *big.Rat) string {
	return trimmed(r.FloatString(odds.MaxFraction))
}

// trimmed is a decimal without needless zeros.
func trimmed(decimal string) string { return strings.TrimRight(strings.TrimRight(decimal, "0"), ".") }
