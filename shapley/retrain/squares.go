package retrain

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/shapley"
)

// Limits of squared errors, in units of 1e-9. A mean is at most shapley.MaxUtility, which is the square of 3001; a single
// one may be the square of 67,908.
const (
	maxSquare = 1 << 62
	maxTarget = 1 << 16 // of targets, whose squares are below maxSquare
)

// mean is an exact mean of squares: whole + rest/rows.
type mean struct{ whole, rest int64 }

// add takes the square of a row's error.
func (m *mean) add(e float32, rows int64) error {
	x := float64(e)
	s := math.RoundToEven(float64(x*x) * shapley.Unit)
	if !(s < maxSquare) {
		return fmt.Errorf("%w: the square of %v is above %.3g", shapley.ErrOverflow, e, maxSquare/float64(shapley.Unit))
	}
	m.whole += int64(s) / rows // at most 2^62 of all rows
	m.rest += int64(s) % rows
	return nil
}

// rounded is whole + rest/rows, rounded half to even.
func (m mean) rounded(rows int64) int64 {
	q, r := m.whole+m.rest/rows, m.rest%rows
	if r < 0 {
		q, r = q-1, r+rows
	}
	if 2*r > rows || 2*r == rows && q&1 == 1 {
		q++
	}
	return q
}

// predictNothing is the mean squared error of predicting 0, from which utilities are counted. Targets whose utilities
// would be beyond the scale are refused here, before any model is trained.
func (d *Data) predictNothing() (zero mean, err error) {
	largest := 0
	for r, y := range d.ValidationTargets {
		if err := zero.add(y, int64(d.val)); err != nil {
			return zero, fmt.Errorf("targets: validation row %d: %w", r, err)
		}
		if math.Abs(float64(y)) > math.Abs(float64(d.ValidationTargets[largest])) {
			largest = r
		}
	}
	if u := zero.rounded(int64(d.val)); u > shapley.MaxUtility {
		return zero, fmt.Errorf("targets: %w: their mean square is %.6g and the limit %.6g; the largest is %v of validation row %d. Give them in a larger unit: values are in its square",
			shapley.ErrOverflow, float64(u)/shapley.Unit, float64(shapley.MaxUtility)/shapley.Unit, d.ValidationTargets[largest], largest)
	}
	return zero, nil
}

// explained is how much less model m's mean squared error is than that of predicting 0.
func (g *Game) explained(outputs []float32, m int) (int64, error) {
	gain, rows := g.zero, int64(g.data.val)
	var errs mean
	for r, y := range g.data.ValidationTargets {
		if err := errs.add(outputs[r*g.trainer.models+m]-y, rows); err != nil {
			return 0, fmt.Errorf("validation row %d, predicted as %v: %w", r, outputs[r*g.trainer.models+m], err)
		}
	}
	gain.whole -= errs.whole
	gain.rest -= errs.rest
	return gain.rounded(rows), nil
}
