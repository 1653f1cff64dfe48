package plan

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/verify/odds"
)

// Cell is a strategy under a rule: what the formula says and what dice brought.
type Cell struct {
	Strategy string  `json:"strategy"`
	Rule     string  `json:"rule"`
	Gain     float64 `json:"gain"` // of a claim beside honest work
	Paid     float64 `json:"paid"` // share of the false claims that are paid
	Seen     float64 `json:"seenGain"`
	Error    float64 `json:"standardError"` // of the gain that was seen
	SeenPaid float64 `json:"seenPaid"`
	Claims   int     `json:"claims"` // that were played
}

// Off is how many standard errors lie between formula and dice; infinite where they differ and no error was seen.
func (c Cell) Off() float64 {
	d := math.Abs(c.Seen - c.Gain)
	if d < 1e-9*(1+math.Abs(c.Gain)) {
		return 0
	}
	return d / c.Error
}

// seldom is how many lies on average, at most, are told until one is found: the longer that lasts, the longer a key's life
// is, which is kept claim by claim.
const seldom = 100_000

// Play plays all strategies under all rules made from some terms, for so many claims each. It refuses rules under which
// lies are found too seldom to be played.
func Play(ctx context.Context, t odds.Terms, claims int, seed uint64) ([]Cell, error) {
	rules := Rules(t)
	for _, r := range rules {
		p := Strategy{Unseen: true}.fails(r, r.Terms.Hold)
		if p.Cmp(big.NewRat(1, seldom)) < 0 {
			return nil, fmt.Errorf("rule %q: one lie is found with probability %s; what is less than one in %d is not played", r.Name, p.FloatString(9), seldom)
		}
	}
	cells := make([]Cell, len(rules)*len(Strategies))
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(runtime.GOMAXPROCS(0))
	for i := range cells {
		s, r := Strategies[i/len(rules)], rules[i%len(rules)]
		each.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			want, got := s.Expected(r), Simulate(s, r, claims, seed+uint64(i))
			cells[i] = Cell{s.Name, r.Name, want.Gain, want.Paid, got.Gain, got.Error, got.Paid, got.Claims}
			return nil
		})
	}
	return cells, each.Wait()
}
