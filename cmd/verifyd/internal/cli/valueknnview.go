package cli

import (
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
)

// knnView is the result with -o json.
type knnView struct {
	Variant  string       `json:"variant"`
	K        int          `json:"k,omitempty"`
	Radius   float64      `json:"radius,omitempty"` // squared, in units of the scale
	Weights  []uint32     `json:"weights,omitempty"`
	Epsilon  int64        `json:"epsilon,omitempty"` // in 1e-9
	Rows     int          `json:"rows"`
	Owners   []string     `json:"owners,omitempty"`
	Features *featureView `json:"features"`
	Results  []knnResult  `json:"results"` // one a target
}

// featureView says how features were measured: x as the whole number nearest to (x - centre)/(unit step).
type featureView struct {
	Scale   string       `json:"scale"`
	Step    float64      `json:"step"`
	Grid    int          `json:"grid"`
	Exact   bool         `json:"exact"`
	Clipped int          `json:"clipped"`
	Columns []columnView `json:"columns"`
}

type columnView struct {
	Name    string  `json:"name"`
	Centre  float64 `json:"centre"`
	Unit    float64 `json:"unit"`
	Clipped int     `json:"clipped,omitempty"`
}

// knnResult is the values of the rows, or of their owners, by a label or a target.
type knnResult struct {
	Target      string     `json:"target,omitempty"`
	Numerators  []string   `json:"numerators"` // over Denominator, in utility 1
	Denominator string     `json:"denominator"`
	Values      []*big.Int `json:"values"` // in 1e-9
	Empty       string     `json:"empty"`
	Full        string     `json:"full"`
	Residual    string     `json:"residual"` // Full - Empty - the sum of the values
	Bound       string     `json:"bound"`    // what the magnitude of Residual cannot exceed
	Doubtful    int        `json:"doubtful"` // test rows for which rounding the features may have changed a row's value
	Rounding    *string    `json:"rounding"` // what that cannot have changed a player's value by more than; null where no bound is claimed
}

func newKNNView(o *knnOptions, g knn.Options, rows *tabular.Data) *knnView {
	return &knnView{Variant: o.variant, K: o.k, Radius: o.radius, Weights: g.Weights, Epsilon: o.epsilon, Rows: rows.Train.Rows, Owners: rows.Players}
}

// add adds the values of a target to the document and to what is printed.
func (view *knnView) add(v *valued, r *knn.Result, target string, rows *tabular.Data) {
	numerators, names, most := r.Numerators, rows.Players, int64(1)
	if names == nil {
		names = numbered(len(numerators))
	} else {
		numerators, most = ownersOf(numerators, rows)
	}
	result := knnResult{Target: target, Denominator: r.Denominator.String(), Empty: r.Empty.RatString(), Full: r.Full.RatString(),
		Residual: r.Residual.RatString(), Bound: r.Bound.RatString(), Doubtful: r.Doubtful}
	several := len(rows.TargetNames) > 1
	unit := big.NewRat(shapley.Unit, 1)
	for i, n := range numerators {
		fixed := r.Rounded(n)
		result.Numerators, result.Values = append(result.Numerators, n.String()), append(result.Values, fixed)
		whole := new(big.Rat).SetFrac(n, r.Denominator)
		whole.Mul(whole, unit)
		row := valuedRow{player: names[i], value: fixed, numerator: whole.Num().String(), denominator: whole.Denom().String()}
		if several {
			row.target = target
		}
		v.rows = append(v.rows, row)
	}
	var rounding *big.Rat
	if r.Rounding != nil {
		rounding = new(big.Rat).Mul(r.Rounding, big.NewRat(most, 1))
		text := rounding.RatString()
		result.Rounding = &text
	}
	view.Results = append(view.Results, result)
	if view.Features == nil {
		view.features(v, r.Features, rows)
	}
	if several {
		v.note("target", target)
	}
	v.note("nobody, everybody", r.Empty.FloatString(9)+", "+r.Full.FloatString(9))
	v.note("efficiency residual", r.Residual.FloatString(15))
	switch tests := rows.Test.Rows; {
	case r.Features.Exact:
	case rounding == nil:
		v.note("rounding of features", fmt.Sprintf("may matter to %d of %d test rows; no bound is claimed", r.Doubtful, tests))
	default:
		v.note("rounding of features", fmt.Sprintf("changed no value by more than %s; may matter to %d of %d test rows", roundedUp(rounding), r.Doubtful, tests))
	}
}

// ownersOf are the sums of the owners' rows, and how many rows the owner of most has.
func ownersOf(numerators []*big.Int, rows *tabular.Data) (sums []*big.Int, most int64) {
	count := make([]int64, len(rows.Players))
	for range count {
		sums = append(sums, new(big.Int))
	}
	for row, p := range rows.Owners {
		sums[p].Add(sums[p], numerators[row])
		count[p]++
		most = max(most, count[p])
	}
	return sums, most
}

// roundedUp is a number that is not negative, rounded up to 1e-9.
func roundedUp(x *big.Rat) string {
	n := new(big.Int).Mul(x.Num(), big.NewInt(shapley.Unit))
	n.Add(n, x.Denom()).Sub(n, big.NewInt(1))
	return utilityText(n.Div(n, x.Denom()))
}

// printedColumns bounds the columns whose scale is printed; JSON has them all.
const printedColumns = 20

// features adds how features were measured.
func (view *knnView) features(v *valued, f *knn.Features, rows *tabular.Data) {
	view.Features = &featureView{Scale: f.Scale.String(), Step: f.Step, Grid: f.Grid, Exact: f.Exact, Clipped: f.Clipped}
	v.note("variant", view.Variant)
	if rows.Players != nil {
		v.note("owners", "the values of their rows added up; verifyd value data has the game of owners")
	}
	for j, c := range f.Columns {
		view.Features.Columns = append(view.Features.Columns, columnView{Name: columnName(rows.Names, j), Centre: c.Centre, Unit: c.Unit, Clipped: c.Clipped})
	}
	step := "exact: nothing was rounded"
	if !f.Exact {
		step = fmt.Sprintf("rounded to steps of %.6g", f.Step)
		if f.Scale != knn.None {
			step += " units of their column"
		}
	}
	v.note("features", step)
	v.note("scale", f.Scale.String()+", from the test rows")
	if f.Scale != knn.None {
		for j, c := range view.Features.Columns[:min(printedColumns, len(f.Columns))] {
			v.note(fmt.Sprintf("column %s", columnName(rows.Names, j)), fmt.Sprintf("centre %.6g, unit %.6g", c.Centre, c.Unit))
		}
		if more := len(f.Columns) - printedColumns; more > 0 {
			v.note("columns", fmt.Sprintf("%d more, with -o json", more))
		}
	}
	if f.Clipped > 0 {
		v.note("clipped", fmt.Sprintf("%d features were set to the edge of the grid", f.Clipped))
	}
}
