package valuation

import "math/big"

// Doubt is something in a certificate that should be looked at before anybody is paid by it. It is paid as the policy says all the same.
type Doubt struct {
	What    string
	Player  string   // "" if it is of all of them
	Value   *big.Int // in 1e-9, like what it is held against
	Against *big.Int
}

// The doubts.
const (
	DoubtHarm    = "a value is below zero: the update does harm, and nothing is taken off anybody for it"
	DoubtAbove   = "a value is above what all achieve together: others do harm between them"
	DoubtClosed  = "the closed second order is far from a value: the update lies where the loss is not quadratic, or was made to"
	DoubtUnclear = "the closed second order leaves more than a tenth of what all achieve unexplained: believe the estimate"
)

// Doubts are those of a certificate, by player. Games without a closed form have none about it.
func Doubts(c *Certificate) []Doubt {
	var all []Doubt
	together := big.NewInt(c.Result.Full - c.Result.Empty)
	tenth := new(big.Int).Quo(new(big.Int).Abs(together), big.NewInt(10))
	far := func(x, y *big.Int) bool { return new(big.Int).Abs(new(big.Int).Sub(x, y)).Cmp(tenth) > 0 }
	var second *Second
	if c.Extra != nil {
		second = c.Second
	}
	if c.Kind != RoundKind {
		return nil
	}
	for i, v := range c.Result.Fixed() {
		switch {
		case v.Sign() < 0:
			all = append(all, Doubt{DoubtHarm, c.Players[i], v, new(big.Int)})
		case v.Sign() > 0 && v.Cmp(together) > 0:
			all = append(all, Doubt{DoubtAbove, c.Players[i], v, together})
		}
		if second != nil && i < len(second.Values) {
			if closed := big.NewInt(second.Values[i]); far(v, closed) {
				all = append(all, Doubt{DoubtClosed, c.Players[i], v, closed})
			}
		}
	}
	if second != nil && far(big.NewInt(second.Gap), new(big.Int)) {
		all = append(all, Doubt{DoubtUnclear, "", together, new(big.Int).Sub(together, big.NewInt(second.Gap))})
	}
	return all
}
