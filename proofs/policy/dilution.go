package policy

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/proofs"
)

// MaxEpochs is the longest forecast.
const MaxEpochs = 100_000

// A Forecast is one epoch to come.
type Forecast struct {
	Epoch  int  `json:"epoch"`  // from 1
	Minted Uint `json:"minted"` // in this epoch
	Supply Uint `json:"supply"` // after it
	// Growth of the supply in this epoch, in millionths, rounded up; and Kept,
	// what is left of the share of one who holds and earns nothing, in millionths,
	// rounded down. Growth is 0 if there was no supply before.
	Growth Uint `json:"growthMillionths"`
	Kept   Uint `json:"keptMillionths"`
}

// Dilute forecasts what p does to a supply, with points earned in each epoch.
// With more points than the budget buys, or with nil, each epoch mints the
// budget: the worst case. The zero supply is allowed.
func (p *Policy) Dilute(supply proofs.Uint128, points *proofs.Uint128, epochs int) ([]Forecast, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if epochs < 1 || epochs > MaxEpochs {
		return nil, fmt.Errorf("dilution: %d epochs, want 1 to %d", epochs, MaxEpochs)
	}
	minted := p.Budget.big()
	if points != nil {
		minted = p.minted(wide(*points))
	}
	const millionths = 1_000_000
	before, first := wide(supply), wide(supply)
	forecasts := make([]Forecast, 0, epochs)
	for i := range epochs {
		after := new(big.Int).Add(before, minted)
		if after.BitLen() > 128 {
			return nil, fmt.Errorf("dilution: the supply is more than 2^128-1 units after %d epochs", i+1)
		}
		f := Forecast{Epoch: i + 1, Minted: Uint{narrow(minted)}, Supply: Uint{narrow(after)}}
		if before.Sign() > 0 {
			growth := new(big.Int).Mul(minted, big.NewInt(millionths))
			growth.Add(growth, before).Sub(growth, big.NewInt(1)).Quo(growth, before)
			if growth.BitLen() > 128 {
				return nil, errors.New("dilution: the supply is too small for the budget to state its growth")
			}
			f.Growth = Uint{narrow(growth)}
		}
		if first.Sign() > 0 {
			f.Kept = Uint{narrow(share(big.NewInt(millionths), first, after))}
		}
		forecasts, before = append(forecasts, f), after
	}
	return forecasts, nil
}

// minted is what an epoch in which points are earned emits, no cap binding.
func (p *Policy) minted(points *big.Int) *big.Int {
	budget := p.Budget.big()
	if points.Sign() == 0 {
		return points
	}
	if p.Mode == Price {
		at := share(p.Price.Units.big(), points, p.Price.Per.big())
		if at.Cmp(budget) < 0 {
			return at
		}
	}
	return budget
}
