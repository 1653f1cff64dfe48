package inrun

import (
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/verify/program"
)

// Values are what a run's samples were worth so far, in units of 1e-9 of the validation loss.
type Values struct {
	Samples []int64 // each sum rounded half to even; 0 for a sample that was in no step
	// Moved is the sum over the steps of the validation loss before the step minus that after it, and
	// Residual what of it the values do not explain: of higher orders, of momentum and Adam, of weight decay,
	// and of rounding.
	Moved, Residual int64
}

// Values takes the validation loss after the last step, from the parameters that m has now, and rounds the
// sums. Further steps may follow.
func (a *Accumulator) Values(m *program.Machine) (*Values, error) {
	v := &Values{Samples: make([]int64, len(a.samples))}
	moved, sum := a.moved.big(), new(big.Int)
	if a.pending {
		if err := a.validator.set(m.Tensors()); err != nil {
			return nil, fmt.Errorf("inrun: values: %w", err)
		}
		loss, _, err := a.validator.machine.Evaluate()
		if err != nil {
			return nil, fmt.Errorf("inrun: values: %w", err)
		}
		after, err := fixed(float64(loss))
		if err != nil {
			return nil, fmt.Errorf("inrun: validation loss: %w", err)
		}
		moved.Sub(moved, after.big())
	}
	for i, s := range a.samples {
		x := s.big()
		sum.Add(sum, x)
		var err error
		if v.Samples[i], err = units(x); err != nil {
			return nil, fmt.Errorf("inrun: sample %d: %w", i, err)
		}
	}
	var err error
	if v.Moved, err = units(moved); err != nil {
		return nil, fmt.Errorf("inrun: moved: %w", err)
	}
	if v.Residual, err = units(moved.Sub(moved, sum)); err != nil {
		return nil, fmt.Errorf("inrun: residual: %w", err)
	}
	return v, nil
}

// Owners are the values of those who brought the samples, in units of 1e-9: owner[i] brought sample i. Each
// is the exact sum of its samples' rounded once, and 0 for who brought none.
func (a *Accumulator) Owners(owner []int, owners int) ([]int64, error) {
	if len(owner) != len(a.samples) {
		return nil, fmt.Errorf("inrun: owners: given of %d samples, not %d", len(owner), len(a.samples))
	}
	if owners < 1 || owners > MaxSamples {
		return nil, fmt.Errorf("inrun: owners: %d is outside 1 to %d", owners, MaxSamples)
	}
	sums := make([]*big.Int, owners)
	for i, o := range owner {
		if o < 0 || o >= owners {
			return nil, fmt.Errorf("inrun: owner of sample %d: %d is outside 0 to %d", i, o, owners-1)
		}
		if sums[o] == nil {
			sums[o] = new(big.Int)
		}
		sums[o].Add(sums[o], a.samples[i].big())
	}
	values := make([]int64, owners)
	for o, s := range sums {
		if s == nil {
			continue
		}
		var err error
		if values[o], err = units(s); err != nil {
			return nil, fmt.Errorf("inrun: owner %d: %w", o, err)
		}
	}
	return values, nil
}
