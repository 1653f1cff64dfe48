package shapley

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/verify/merkle"
)

// ResultVersion names the format and meaning of a Result. Any change of either is a new version.
const ResultVersion = "verifyd-shapley/1"

// Value is an exact number of utility units (1e-9), in lowest terms; the denominator is positive.
type Value struct {
	Numerator   *big.Int
	Denominator *big.Int
}

// Rat is the value as a rational.
func (v Value) Rat() *big.Rat { return new(big.Rat).SetFrac(v.Numerator, v.Denominator) }

type valueJSON struct {
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`
}

// MarshalJSON writes both integers as decimal strings, which no reader rounds.
func (v Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(valueJSON{v.Numerator.String(), v.Denominator.String()})
}

// maxDigits bounds the integers of a result that is read.
const maxDigits = 1 << 16

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(data []byte) error {
	var s valueJSON
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if len(s.Numerator) > maxDigits || len(s.Denominator) > maxDigits {
		return fmt.Errorf("value: %d digits, above the limit %d", max(len(s.Numerator), len(s.Denominator)), maxDigits)
	}
	n, ok := new(big.Int).SetString(s.Numerator, 10)
	d, fine := new(big.Int).SetString(s.Denominator, 10)
	if !ok || !fine || d.Sign() <= 0 {
		return fmt.Errorf("value: %.64q/%.64q is no fraction", s.Numerator, s.Denominator)
	}
	r := new(big.Rat).SetFrac(n, d)
	v.Numerator, v.Denominator = r.Num(), r.Denom()
	return nil
}

// Result is what an estimate found. Its JSON is canonical: the same inputs give the same bytes.
type Result struct {
	Version     string `json:"version"`
	Estimator   string `json:"estimator"`
	Players     int    `json:"players"`
	Budget      int    `json:"budget"`  // as in Options
	Samples     int    `json:"samples"` // independent samples behind the standard errors; 0 if the values are exact
	Seed        Seed   `json:"seed"`
	Facts              // of the game, as the intervals use them
	Sampled     bool   `json:"sampled,omitempty"` // as in Options, like the next four
	Target      uint64 `json:"target,omitempty"`
	Tolerance   uint64 `json:"tolerance,omitempty"`
	Alpha       int    `json:"alpha,omitempty"`
	Beta        int    `json:"beta,omitempty"`
	Empty       int64  `json:"empty"`       // utility of the empty coalition, 1e-9
	Full        int64  `json:"full"`        // utility of all players, 1e-9
	Evaluations uint64 `json:"evaluations"` // utilities asked for, and leaves of the transcript
	// Transcript is the Merkle root over (index, coalition, utility), see LeafHash.
	Transcript merkle.Hash `json:"transcript"`
	Values     []Value     `json:"values"` // of each player
	// StdErr is the standard error of each value and HalfWidth half of its interval, in 1e-9, rounded up; neither is
	// 0 but for null players. The intervals hold for all players at once with the probability Level, in
	// thousandths, as far as Interval, one of the constants of that name, says. Empty where there is
	// none or no need of one.
	Interval  string   `json:"interval"`
	StdErr    []uint64 `json:"std_err,omitempty"`
	HalfWidth []uint64 `json:"half_width,omitempty"`
	Level     int      `json:"level"`
	// Residual is full - empty - the sum of the values: 0 for estimators with exact efficiency.
	Residual Value `json:"residual"`
}

// Fixed is the values in whole units of 1e-9, as a contribution proof states them. Each is the exact value
// rounded down or up, and their sum is the sum of the exact values rounded to nearest, ties to even: the
// largest remainders are rounded up, the lower player first among equals.
func (r *Result) Fixed() []*big.Int {
	type part struct {
		player int
		rest   *big.Rat
	}
	total, floors := new(big.Rat), new(big.Int)
	fixed, parts := make([]*big.Int, len(r.Values)), make([]part, len(r.Values))
	for i, v := range r.Values {
		q, m := new(big.Int).DivMod(v.Numerator, v.Denominator, new(big.Int))
		fixed[i], parts[i] = q, part{i, new(big.Rat).SetFrac(m, v.Denominator)}
		floors.Add(floors, q)
		total.Add(total, v.Rat())
	}
	up := new(big.Int).Sub(nearest(total), floors).Int64()
	slices.SortStableFunc(parts, func(a, b part) int { return b.rest.Cmp(a.rest) })
	for _, p := range parts[:up] {
		fixed[p.player].Add(fixed[p.player], big.NewInt(1))
	}
	return fixed
}

// nearest is x rounded to an integer, ties to even.
func nearest(x *big.Rat) *big.Int {
	q, m := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	switch m.Lsh(m, 1).Cmp(x.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, big.NewInt(int64(q.Bit(0))))
	}
	return q
}

// Met says whether the target that a run was to reach was reached; true without one. Exact values meet any.
func (r *Result) Met() bool {
	return r.Target == 0 || r.Interval == IntervalExact || len(r.HalfWidth) > 0 && slices.Max(r.HalfWidth) <= r.Target
}

// Forecast is the budget after which a run of the same kind may be expected to have no half-width above
// target (1e-9): widths shrink with the square root of the budget or, betting on few samples, faster. It is 0 if the result has no intervals.
func (r *Result) Forecast(target uint64) uint64 {
	if len(r.HalfWidth) == 0 || target == 0 {
		return 0
	}
	w := new(big.Int).SetUint64(slices.Max(r.HalfWidth))
	t := new(big.Int).SetUint64(target)
	need := new(big.Int).Mul(w, w)
	need.Mul(need, big.NewInt(int64(r.Budget)))
	t.Mul(t, t)
	need.Add(need, new(big.Int).Sub(t, big.NewInt(1))).Div(need, t)
	if !need.IsUint64() {
		return 1<<64 - 1
	}
	return max(need.Uint64(), 2)
}
