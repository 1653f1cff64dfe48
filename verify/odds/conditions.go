package odds

import "math/big"

// Condition is a way to be paid for no work, and whether the terms let it pay.
type Condition struct {
	Held uint64   // claims held when the lie is told
	Gain *big.Rat // over honest work, of one claim; at most, where it is rounded
	Paid *big.Rat // share of the false claims that are paid all the same; at most, where it is rounded
}

// Met says whether the lie does not pay.
func (c Condition) Met() bool { return c.Gain.Sign() <= 0 }

// OneLie is one lie of a worker who has a full hold to lose: q (1-b) p (S + (1+h) R) >= C.
func (t Terms) OneLie() Condition { return t.lie(t.Hold) }

// lie is one lie of a worker with so many claims held.
func (t Terms) lie(held uint64) Condition {
	fails := t.Fails(held)
	lost := new(big.Rat).Mul(fails, t.stake(held))
	return Condition{held, lost.Sub(t.Cost, lost), new(big.Rat).Sub(one(), fails)}
}

// EachClaim is the one lie that pays best, of a worker with as many claims held as suit it, none included. If it does
// not pay, no lie does, whatever was told before and will be told after it.
func (t Terms) EachClaim() Condition {
	worst := t.lie(0)
	for held := range t.steps {
		if c := t.lie(held); c.Gain.Cmp(worst.Gain) > 0 {
			worst = c
		}
	}
	return worst
}

// NewKeys is making every claim false, and a new key after each FAIL. For terms that draw the same of everybody it is
// R (1-p)^(h+1) - p S <= max(0, R - C), with p = Fails(h).
func (t Terms) NewKeys() Condition {
	paid, least, most := t.life()
	gain := new(big.Rat).Mul(t.Pay, paid)
	gain.Sub(gain, t.Bond).Sub(gain, new(big.Rat).Mul(least, t.honest()))
	claims := least
	if gain.Sign() < 0 {
		claims = most
	}
	return Condition{0, gain.Quo(gain, claims), new(big.Rat).Quo(paid, least)}
}

// Meets says whether no lie pays. Where honest work does, what holds of each claim holds of those under new keys, which
// are not asked for then: their gain may be rounded up from nothing.
func (t Terms) Meets() bool {
	return t.EachClaim().Met() && (t.Cost.Cmp(t.Pay) <= 0 || t.NewKeys().Met())
}

// steps yields the numbers of claims held, up to a full hold, at which less is drawn than with one claim fewer. Between
// them a lie costs the more the more is held.
func (t Terms) steps(yield func(held uint64) bool) {
	for held := uint64(0); held <= t.Hold; held++ {
		drawn := Drawn(t.Least, t.Most, held)
		if held > 0 && drawn == Drawn(t.Least, t.Most, held-1) {
			continue
		}
		if !yield(held) || drawn == t.Least {
			return
		}
	}
}

// precision is of products of probabilities, in bits: they are rounded to it outwards.
const precision = 256

// life is how many false claims are paid to a key that makes no others, at most, and how many it makes until one
// FAILs, at least and at most. A claim is paid once as many behind it passed as are held.
func (t Terms) life() (paid, least, most *big.Rat) {
	unit := new(big.Int).Lsh(big.NewInt(1), precision)
	lower, upper := new(big.Int).Set(unit), new(big.Int).Set(unit) // that the first j claims passed
	made, mostMade := new(big.Int), new(big.Int)                   // their sums
	pass := func(p *big.Rat) {
		rest := new(big.Int).Sub(p.Denom(), p.Num())
		lower.Mul(lower, rest).Quo(lower, p.Denom())
		upper.Mul(upper, rest).Add(upper, p.Denom()).Sub(upper, big.NewInt(1)).Quo(upper, p.Denom())
	}
	p := t.Fails(0)
	for held := range t.Hold {
		made.Add(made, lower)
		mostMade.Add(mostMade, upper)
		pass(p)
		if Drawn(t.Least, t.Most, held+1) != Drawn(t.Least, t.Most, held) {
			p = t.Fails(held + 1)
		}
	}
	// From here on each claim passes with the same probability: both sums are geometric.
	steady := new(big.Rat).Inv(p)
	sum := func(made, last *big.Int) *big.Rat {
		s := new(big.Rat).SetFrac(last, unit)
		return s.Mul(s, steady).Add(s, new(big.Rat).SetFrac(made, unit))
	}
	least, most = sum(made, lower), sum(mostMade, upper)
	pass(p)
	return sum(new(big.Int), upper), least, most
}
