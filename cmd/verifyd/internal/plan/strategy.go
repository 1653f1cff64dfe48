package plan

import "math/big"

// Strategy is a way to go on from claim to claim. What it does follows from how many claims of its key passed since
// the last that failed, and from how many are held.
type Strategy struct {
	Name, What string
	False      func(clean, hold uint64) bool // whether the next claim is; nil for never
	Whole      bool                          // all segments of a false claim are, not one
	Unseen     bool                          // by the gate
	Renews     bool                          // a key that failed is left for a new one
	Leaves     bool                          // a key is left too once its first claim is paid
}

// Strategies are those that terms are played against.
var Strategies = []Strategy{
	{Name: "honest", What: "works"},
	{Name: "always", What: "every segment of every claim is false", False: always, Whole: true},
	{Name: "sleeper", What: "works until as many claims are held as can be, then one lie a claim", False: asleep},
	{Name: "on-off", What: "one lie in each claim for which a full hold was earned anew, and work between", False: onOff},
	{Name: "jump", What: "one lie in every claim", False: always},
	{Name: "launch", What: "one lie in every claim, into a state that the gate does not see", False: always, Unseen: true},
	{Name: "whitewash", What: "one lie in every claim, and a new key after each FAIL", False: always, Renews: true},
	{Name: "first claim", What: "one lie in a new key's first claim, work until that is paid, then the next key", False: first, Renews: true, Leaves: true},
}

func always(_, _ uint64) bool            { return true }
func asleep(clean, hold uint64) bool     { return clean >= hold }
func onOff(clean, hold uint64) bool      { return clean%(hold+1) == hold }
func first(clean, _ uint64) bool         { return clean == 0 }
func (s Strategy) lies(n, h uint64) bool { return s.False != nil && s.False(n, h) }

// leaves says whether the key is left after so many claims passed.
func (s Strategy) leaves(clean, hold uint64) bool { return s.Leaves && clean > hold }

// fails is the probability that a false claim is found false, of a worker with so many claims held.
func (s Strategy) fails(r Rule, held uint64) *big.Rat {
	t := r.Terms
	if s.Unseen {
		t.Power = new(big.Rat)
	}
	if s.Whole {
		t.Least, t.Most = t.Segments, t.Segments
	}
	return t.Fails(held)
}

// Outcome is what a strategy brings under a rule.
type Outcome struct {
	Gain float64 // of a claim, beside honest work
	Paid float64 // share of the false claims that are paid
}

// Expected is what the strategy brings in the long run, by formula: a key's life, from its first claim or a FAIL to the
// next FAIL or until it is left, is the same each time, so what is earned in one is divided by the claims in it.
func (s Strategy) Expected(r Rule) Outcome {
	if s.False == nil {
		return Outcome{}
	}
	pay, cost, bond, hold := float(r.Terms.Pay), float(r.Terms.Cost), float(r.Terms.Bond), r.Terms.Hold
	var claims, worked, lies, fails float64
	alive := []float64{1} // that so many claims passed
	var lying []bool
	const forgotten = 1e-14
	full := float(s.fails(r, hold))
	last := 0.0
	for n := uint64(0); alive[n] > forgotten; n++ {
		a := alive[n]
		if s.leaves(n, hold) {
			last = a
			break
		}
		claims += a
		lie := s.lies(n, hold)
		lying = append(lying, lie)
		if lie {
			lies += a
			p := full
			if n < hold {
				p = float(s.fails(r, n))
			}
			fails += a * p
			a *= 1 - p
		} else {
			worked += a
		}
		alive = append(alive, a)
	}
	// A claim is paid if as many behind it passed as are held, or if the key was left before.
	paid, paidLies := 0.0, 0.0
	for n := range lying {
		p := last
		if at := uint64(n) + hold + 1; at < uint64(len(alive)) {
			p = alive[at]
		}
		paid += p
		if lying[n] {
			paidLies += p
		}
	}
	gain := (pay*paid-cost*worked-bond*fails)/claims - (pay - cost)
	return Outcome{gain, paidLies / lies}
}

func float(r *big.Rat) float64 { f, _ := r.Float64(); return f }
