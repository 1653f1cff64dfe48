package odds

import (
	"math/big"
	"sort"

	"github.com/verifyd/verifyd/verify/fault"
)

// decimals is how finely a bond that was computed is stated; it is rounded up.
var decimals = big.NewInt(1_000_000)

// limit is how many segments of a claim can be drawn.
func (t Terms) limit() uint64 { return min(t.Segments, MaxDrawn) }

// WithDrawn is the terms with the least number of segments, from the usual ones on, with which no lie pays. It is an
// error if all that can be drawn is too little.
func (t Terms) WithDrawn() (Terms, error) {
	t.Least, t.Most = Usual(t.Segments)
	t.Most = t.Least
	for held := uint64(0); held <= t.Hold; held++ {
		need, ok := t.need(held)
		if !ok {
			return t, fault.New(fault.OutOfRange, "", "sampled", "no number of segments, %d at most, lets a lie of a worker with %d claims held cost what it saves", t.limit(), held)
		}
		switch most := (need-1)*(held+1) + 1; {
		case need <= t.Least:
		case held < t.Hold && most <= t.limit():
			t.Most = max(t.Most, most)
		default:
			t.Least = need
		}
	}
	t.Most = max(t.Most, t.Least)
	more := sort.Search(int(t.limit()-t.Least)+1, func(i int) bool { return t.drawing(t.Least + uint64(i)).Meets() })
	t = t.drawing(t.Least + uint64(more))
	if t.Least > t.limit() {
		return t, fault.New(fault.OutOfRange, "", "sampled", "no number of segments, %d at most, lets nothing but lies under new keys earn less than staying away", t.limit())
	}
	return t, nil
}

func (t Terms) drawing(least uint64) Terms {
	t.Least, t.Most = least, max(t.Most, least)
	return t
}

// need is the least number of segments that makes one lie of a worker with so many claims held not pay.
func (t Terms) need(held uint64) (uint64, bool) {
	if t.Cost.Sign() == 0 {
		return 1, true
	}
	most := new(big.Rat).Mul(t.called(), t.stake(held))
	if most.Sign() == 0 {
		return 0, false
	}
	p := most.Quo(t.Cost, most) // that the lie is replayed
	p.Sub(p, t.Power)
	if p.Sign() <= 0 {
		return 1, true
	}
	rest := new(big.Rat).Sub(one(), t.Power)
	if rest.Sign() == 0 {
		return 0, false
	}
	p.Quo(p, rest).Mul(p, new(big.Rat).SetInt(natural(t.Segments)))
	k := ceil(p)
	return k.Uint64(), k.Cmp(natural(t.limit())) <= 0
}

// WithBond is the terms with the least bond with which no lie pays, rounded up to a millionth.
func (t Terms) WithBond() Terms {
	t.Bond = new(big.Rat)
	need := new(big.Rat)
	for held := range t.steps {
		s := new(big.Rat).Quo(t.Cost, t.Fails(held))
		if s.Sub(s, t.stake(held)); s.Cmp(need) > 0 {
			need = s
		}
	}
	paid, claims, _ := t.life()
	s := new(big.Rat).Mul(t.Pay, paid)
	if s.Sub(s, claims.Mul(claims, t.honest())); s.Cmp(need) > 0 {
		need = s
	}
	need.Mul(need, new(big.Rat).SetInt(decimals))
	t.Bond = new(big.Rat).SetFrac(ceil(need), decimals)
	return t
}

// WithHold is the terms with the shortest hold with which neither one lie of a worker who has it full pays, nor new
// keys; false if none is long enough. What must be drawn of a worker who has less to lose is not in it.
func (t Terms) WithHold() (Terms, bool) {
	holds := func(h int) bool {
		u := t
		u.Hold = uint64(h)
		return u.OneLie().Met() && u.NewKeys().Met()
	}
	t.Hold = uint64(sort.Search(MaxHold+1, holds))
	return t, t.Hold <= MaxHold
}

// Solve fills in what is open: the usual hold, then what is drawn, then the bond. With a bond that was given too low, or
// segments that were, the terms may miss.
func (t Terms) Solve(hold, drawn, bond bool) (Terms, error) {
	if hold {
		t.Hold = DefaultHold
	}
	if bond {
		t.Bond = new(big.Rat)
	}
	if drawn {
		found, err := t.WithDrawn()
		if err == nil {
			return found, found.Check()
		}
		if t.Least, t.Most = Usual(t.Segments); !bond {
			return t, t.Check()
		}
	}
	if err := t.Check(); err != nil {
		return t, err
	}
	if bond {
		t = t.WithBond()
	}
	return t, nil
}

// ceil is the least integer that is not below r.
func ceil(r *big.Rat) *big.Int {
	n := new(big.Int).Add(r.Num(), r.Denom())
	n.Sub(n, big.NewInt(1))
	return n.Div(n, r.Denom())
}
