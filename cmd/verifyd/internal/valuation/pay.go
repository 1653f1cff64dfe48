package valuation

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley/robust"
)

// Paid is what a policy pays the attacker of a simulation, and everybody.
type Paid struct {
	Mine, All *big.Int // units
	Others    *big.Int // points of those who do not attack, in 1e-9: what they would be paid at a price
}

// Pay has a policy pay what identities are worth, each as the accepted claim of a worker who is his own owner and of which nothing
// but the value was measured.
func Pay(p *policy.Policy, e *robust.Earned) (*Paid, error) {
	mine := make(map[proofs.Hash]bool, len(e.Mine))
	claims := make([]policy.Measurement, len(e.Values))
	for i, v := range e.Values {
		c := &claims[i]
		binary.BigEndian.PutUint64(c.Worker[:], uint64(i)+1)
		c.Owner, c.Task, c.Verdict.Kind = c.Worker, proofs.Hash{1}, proofs.Accepted
		if p.Beacon != nil {
			c.Beacon = p.Beacon.Hash
		}
		var err error
		if c.Value, err = proofs.ParseInt128(v.String()); err != nil {
			return nil, fmt.Errorf("value of player %d: %w", i, err)
		}
		if len(e.StdErr) > 0 {
			c.StdErr = proofs.Uint(e.StdErr[i])
		}
	}
	for _, i := range e.Mine {
		mine[claims[i].Worker] = true
	}
	sheet, err := policy.Score(p, claims)
	if err != nil {
		return nil, err
	}
	paid := &Paid{new(big.Int), new(big.Int), new(big.Int)}
	for _, a := range sheet.Awards {
		units, points := whole(a.Units), whole(a.Points)
		paid.All.Add(paid.All, units)
		if mine[a.Worker] {
			paid.Mine.Add(paid.Mine, units)
		} else {
			paid.Others.Add(paid.Others, points)
		}
	}
	return paid, nil
}

// Share is the attacker's of what is paid; 0 if nothing is.
func (p *Paid) Share() *big.Rat {
	if p.All.Sign() == 0 {
		return new(big.Rat)
	}
	return new(big.Rat).SetFrac(p.Mine, p.All)
}

func whole(u proofs.Uint128) *big.Int {
	x := new(big.Int).SetUint64(u.Hi)
	return x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(u.Lo))
}

// Payment is what an attack does to what a policy pays.
type Payment struct {
	Honest, Attacked *big.Rat // share of the pot that the attacker's identities get
	Gain             *big.Rat // of what they are paid; nil if it is nothing without the attack
	Others           *big.Rat // what is left of the points of the others; nil likewise
}

// Effect has a policy pay an outcome of a simulation.
func Effect(p *policy.Policy, x *robust.Outcome) (*Payment, error) {
	before, err := Pay(p, &x.Honest)
	if err != nil {
		return nil, err
	}
	after, err := Pay(p, &x.Attacked)
	if err != nil {
		return nil, err
	}
	return &Payment{before.Share(), after.Share(), ratio(after.Mine, before.Mine), ratio(after.Others, before.Others)}, nil
}

func ratio(a, b *big.Int) *big.Rat {
	if b.Sign() == 0 {
		return nil
	}
	return new(big.Rat).SetFrac(a, b)
}
