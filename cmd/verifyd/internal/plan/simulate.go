package plan

import (
	"math"
	"math/rand/v2"

	"github.com/verifyd/verifyd/verify/odds"
)

// Seen is what dice brought.
type Seen struct {
	Outcome
	Error  float64 // standard error of the gain
	Claims int
}

// Simulate plays a strategy under a rule for so many claims, and to the end of the last key's life: segments are drawn
// one by one, passed claims wait until as many behind them are judged, a FAIL voids those that wait.
func Simulate(s Strategy, r Rule, claims int, seed uint64) Seen {
	g := &game{Strategy: s, Rule: r, dice: rand.New(rand.NewPCG(seed, 0)), taken: make([]bool, r.Terms.Segments)}
	g.power, g.audit, g.miss = float(r.Terms.Power), float(r.Terms.Audit), float(r.Terms.Miss)
	pay, cost, bond := float(r.Terms.Pay), float(r.Terms.Cost), float(r.Terms.Bond)
	var earned, made []float64 // of each life
	var lies, paidLies float64
	for total := 0; total < claims; {
		l := g.life(claims)
		earned = append(earned, pay*float64(l.paid)-cost*float64(l.worked)-bond*float64(l.fails))
		made = append(made, float64(l.claims))
		lies, paidLies = lies+float64(l.claims-l.worked), paidLies+float64(l.paidLies)
		total += l.claims
	}
	seen := Seen{Claims: int(add(made))}
	rate := add(earned) / add(made)
	seen.Gain = rate - (pay - cost)
	if lies > 0 {
		seen.Paid = paidLies / lies
	}
	// Of a ratio of sums over lives that are alike.
	square := 0.0
	for i := range made {
		d := earned[i] - rate*made[i]
		square += d * d
	}
	seen.Error = math.Sqrt(square) / add(made)
	return seen
}

// game is a strategy under a rule, with dice.
type game struct {
	Strategy
	Rule
	dice               *rand.Rand
	taken              []bool // segments of the claim that is drawn
	power, audit, miss float64
}

// life is what became of the claims of a key from its first one, or a FAIL, to the next FAIL or until it was left.
type life struct{ claims, worked, paid, paidLies, fails int }

// life goes on until a FAIL, or for so many claims if there is none.
func (g *game) life(claims int) (l life) {
	var held []bool // whether each claim that waits is false
	settle := func(keep int) {
		for len(held) > keep {
			l.paid++
			if held[0] {
				l.paidLies++
			}
			held = held[1:]
		}
	}
	hold := g.Terms.Hold
	for clean := uint64(0); ; clean++ {
		if g.leaves(clean, hold) || g.False == nil && l.claims == claims {
			settle(0)
			return l
		}
		lie := g.lies(clean, hold)
		l.claims++
		if !lie {
			l.worked++
		} else if g.found(min(clean, hold)) {
			l.fails++
			return l
		}
		held = append(held, lie)
		settle(int(hold))
	}
}

// found says whether a lie of a worker with so many claims held is found.
func (g *game) found(held uint64) bool {
	if g.dice.Float64() >= g.audit {
		return false
	}
	return g.replayed(held) && g.dice.Float64() >= g.miss
}

// replayed draws segments as a challenge does, and says whether a false one is among them, or the gate leads to it.
func (g *game) replayed(held uint64) bool {
	if g.Whole {
		return true
	}
	n := g.Terms.Segments
	k := min(odds.Drawn(g.Terms.Least, g.Terms.Most, held), n)
	if k == n {
		return true
	}
	lie := g.dice.Uint64N(n)
	drawn := make([]uint64, 0, k)
	for j := n - k; j < n; j++ {
		v := g.dice.Uint64N(j + 1)
		if g.taken[v] {
			v = j
		}
		g.taken[v] = true
		drawn = append(drawn, v)
	}
	found := g.taken[lie]
	for _, v := range drawn {
		g.taken[v] = false
	}
	return found || !g.Unseen && g.dice.Float64() < g.power
}

func add(of []float64) (sum float64) {
	for _, x := range of {
		sum += x
	}
	return sum
}
