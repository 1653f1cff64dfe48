package odds

import (
	"fmt"
	"math/big"
)

// Odds are what a finding says of the lies that its challenge would have found. Those by chance are exact and of
// segments before the last one, which is replayed always.
type Odds struct {
	Lie      string   `json:"lie"`               // one lie, by chance: segments drawn over segments, e.g. "5/50"
	Lies     []Lies   `json:"lies"`              // by chance
	Measured Measured `json:"measured,omitzero"` // one lie, with the gate; none without a gate whose power was measured
}

// Lies are how probably at least one of so many false segments is replayed.
type Lies struct {
	Lies   uint64 `json:"lies"`
	Share  string `json:"share,omitempty"` // of the segments, where the number comes from one, e.g. "10%"
	Caught string `json:"caught"`          // probability with six decimals, rounded down
}

// Measured is how often one lie is replayed with a gate. It is no theorem: another kind of lie may do better.
type Measured struct {
	Gate   string `json:"gate"`
	Power  string `json:"power"`  // share of the lies missed by chance that the gate led to, where it was measured
	Caught string `json:"caught"` // chance and that, with six decimals, rounded down
}

// numbers and shares are what is said of more lies than one.
var (
	numbers = []uint64{1, 2, 5}
	shares  = []uint64{10, 50}
)

// Of is what a finding says of n segments, k of them drawn, and the gate of that name; "" for none. k is at most n;
// where nothing is drawn, as of a claim that is not audited, no gate looks either.
func Of(n, k uint64, gate string) Odds {
	o := Odds{Lie: fmt.Sprintf("%d/%d", k, n)}
	for _, lies := range numbers {
		if lies <= n {
			o.Lies = append(o.Lies, Lies{Lies: lies, Caught: Decimal(Caught(n, k, lies))})
		}
	}
	for _, percent := range shares {
		lies := (n*percent + 99) / 100
		o.Lies = append(o.Lies, Lies{lies, fmt.Sprintf("%d%%", percent), Decimal(Caught(n, k, lies))})
	}
	if p, ok := PowerOf(gate); ok && k > 0 {
		o.Measured = Measured{gate, Decimal(p.Found()), Decimal(With(Caught(n, k, 1), p.Found()))}
	}
	return o
}

// Caught is the exact probability that k segments drawn uniformly without replacement out of n include
// at least one of so many lies: 1 - C(n-lies, k) / C(n, k).
func Caught(n, k, lies uint64) *big.Rat {
	one := big.NewRat(1, 1)
	if lies == 0 || k == 0 {
		return new(big.Rat)
	}
	if lies > n || k > n-lies {
		return one
	}
	// C(n-lies, k) / C(n, k) is symmetric in lies and k: the product runs over the smaller.
	if k > lies {
		k, lies = lies, k
	}
	num, den := big.NewInt(1), big.NewInt(1)
	var factor big.Int
	for i := range k {
		num.Mul(num, factor.SetUint64(n-lies-i))
		den.Mul(den, factor.SetUint64(n-i))
	}
	missed := new(big.Rat).SetFrac(num, den)
	return one.Sub(one, missed)
}

// With is a probability of being drawn by chance, and of being led to by a gate of some power where chance missed.
func With(chance, power *big.Rat) *big.Rat {
	missed := new(big.Rat).Sub(one(), chance)
	return missed.Add(chance, missed.Mul(missed, power))
}

// Decimal writes a number that is not negative with six decimals, rounded down.
func Decimal(p *big.Rat) string {
	const scale = 1_000_000
	scaled := new(big.Int).Mul(p.Num(), big.NewInt(scale))
	whole, rest := scaled.Quo(scaled, p.Denom()).QuoRem(scaled, big.NewInt(scale), new(big.Int))
	return fmt.Sprintf("%s.%06d", whole, rest.Uint64())
}

func one() *big.Rat { return big.NewRat(1, 1) }
