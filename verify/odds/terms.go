package odds

import (
	"math/big"

	"github.com/verifyd/verifyd/verify/fault"
)

// The limits of terms. A job's format has the first two.
const (
	MaxDrawn    = 1 << 12
	MaxHold     = 1 << 16
	MaxSegments = 1 << 24
)

// The defaults of what an operator does not say.
const (
	DefaultHold  = 20 // claims
	DefaultParts = 20 // one segment in so many is drawn, at least
	DefaultLeast = 3  // and at least so many
)

// Terms are what is paid, what it costs, and how it is checked.
type Terms struct {
	Pay, Cost, Bond *big.Rat // of a claim, R and C, and what a FAIL forfeits besides, S: all in one unit
	Hold            uint64   // h, further claims of a worker that are judged before one is paid
	Segments        uint64   // N, of a claim
	Least, Most     uint64   // segments drawn of a claim of a worker with Hold claims held, and with none
	Audit           *big.Rat // q, share of the claims that are audited
	Miss            *big.Rat // b, probability that a replayed lie is not called one
	Power           *big.Rat // g, of the gate: share of the lies missed by chance that it leads to; 0 without one
}

// Drawn is how many segments are drawn of a claim whose worker has so many claims held: the larger number of a new key
// falls as one over one more than are held, and no further than to the least.
func Drawn(least, most, held uint64) uint64 {
	return min(max(least, (most+held)/(held+1)), max(least, most))
}

// Usual is what is drawn where nothing else is asked for: of a claim of n segments, one in twenty and at least three,
// and all of it from a key with nothing to lose, both as far as the format goes.
func Usual(n uint64) (least, most uint64) {
	most = min(n, MaxDrawn)
	return min(max(DefaultLeast, (n+DefaultParts-1)/DefaultParts), most), most
}

// Check returns an error that names the field and the limit unless there can be such terms.
func (t Terms) Check() error {
	for _, f := range []struct {
		field string
		got   *big.Rat
	}{{"pay", t.Pay}, {"cost", t.Cost}, {"bond", t.Bond}} {
		if f.got == nil || f.got.Sign() < 0 {
			return fault.New(fault.OutOfRange, "", f.field, "negative, or not there")
		}
	}
	for _, f := range []struct {
		field       string
		got, lo, hi uint64
	}{
		{"hold", t.Hold, 0, MaxHold},
		{"segments", t.Segments, 1, MaxSegments},
		{"sampled.least", t.Least, 1, MaxDrawn},
		{"sampled.most", t.Most, t.Least, MaxDrawn},
	} {
		if f.got < f.lo || f.got > f.hi {
			return fault.New(fault.OutOfRange, "", f.field, "%d is outside %d to %d", f.got, f.lo, f.hi)
		}
	}
	for _, f := range []struct {
		field          string
		got            *big.Rat
		above0, below1 bool
	}{{"audit", t.Audit, true, false}, {"miss", t.Miss, false, true}, {"power", t.Power, false, false}} {
		if f.got == nil || f.got.Sign() < 0 || f.got.Cmp(one()) > 0 {
			return fault.New(fault.OutOfRange, "", f.field, "outside 0 to 1, or not there")
		}
		if f.above0 && f.got.Sign() == 0 || f.below1 && f.got.Cmp(one()) == 0 {
			return fault.New(fault.OutOfRange, "", f.field, "%s: then no lie is ever found", f.got.RatString())
		}
	}
	return nil
}

// called is the probability that a lie which is replayed, if its claim is audited, is a FAIL: q (1-b).
func (t Terms) called() *big.Rat {
	p := new(big.Rat).Sub(one(), t.Miss)
	return p.Mul(p, t.Audit)
}

// Fails is the probability that a claim with one lie FAILs, of a worker with so many claims held: q (1-b) p.
func (t Terms) Fails(held uint64) *big.Rat {
	k := min(Drawn(t.Least, t.Most, held), t.Segments)
	p := With(Caught(t.Segments, k, 1), t.Power)
	return p.Mul(p, t.called())
}

// stake is what a FAIL costs a worker with so many claims held: S + (1 + held) R.
func (t Terms) stake(held uint64) *big.Rat {
	s := new(big.Rat).SetInt(natural(held + 1))
	s.Mul(s, t.Pay)
	return s.Add(s, t.Bond)
}

// honest is what a claim earns whoever may stay away: max(0, R - C).
func (t Terms) honest() *big.Rat {
	g := new(big.Rat).Sub(t.Pay, t.Cost)
	if g.Sign() < 0 {
		g.SetInt64(0)
	}
	return g
}
