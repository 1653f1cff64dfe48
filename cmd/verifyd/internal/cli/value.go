package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/chart"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) valueCommand() *cobra.Command {
	return group("value", "Say what contributions were worth, with intervals, and audit it",
		a.valueCheckCommand(), a.valueFreezeCommand(), a.valueRoundCommand(), a.valueDataCommand(), a.valueKNNCommand(), a.valueOOBCommand(), a.valueInRunCommand(), a.valueUtilityCommand(),
		a.valueAuditCommand(), a.valueScoreCommand(), a.valueSignCommand(), a.valueAttacksCommand(), a.valueStudyCommand(), a.valueEstimatorsCommand())
}

// valued is what a command of valuation prints and draws, whatever the game was.
type valued struct {
	document any // with -o json
	rows     []valuedRow
	counts   []int64     // learners behind each value; nil if there are none
	notes    [][2]string // below the table
	title    string
	interval string // what half-widths are; empty if the values are exact
}

// valuedRow is one player. All of it is in 1e-9; the fraction is the exact value. One without a value has none of it.
type valuedRow struct {
	target                 string // where there are several
	player                 string
	value                  *big.Int
	numerator, denominator string
	stdErr, halfWidth      *uint64
}

// note adds a line below the table.
func (v *valued) note(name, text string) { v.notes = append(v.notes, [2]string{name, text}) }

// targeted is the cells of a row, after its target where there are several.
func (v *valued) targeted(target string, cells ...string) []string {
	if len(v.rows) > 0 && v.rows[0].target != "" {
		return append([]string{target}, cells...)
	}
	return cells
}

// emitValued writes values as a table, CSV or JSON, and a chart where a file for it was named.
func (a *app) emitValued(v *valued, plot string) error {
	if err := writeChart(plot, v.draw); err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	if a.output == "csv" {
		data, err := v.csv()
		if err == nil {
			_, err = a.stdout.Write(data)
		}
		return err
	}
	return a.emit(v.document, func(w io.Writer) {
		if v.counts != nil {
			row(w, "player", "value", "learners")
			for i, r := range v.rows {
				row(w, r.player, valueText(r.value), v.counts[i])
			}
		} else {
			row(w, strings.Join(v.targeted("target", "player", "value", "std err", "half-width"), "\t"))
			for _, r := range v.rows {
				row(w, strings.Join(v.targeted(r.target, r.player, valueText(r.value), utilityOr(r.stdErr), utilityOr(r.halfWidth)), "\t"))
			}
		}
		fmt.Fprintln(w)
		for _, n := range v.notes {
			row(w, n[0], n[1])
		}
	})
}

func textOr(x *uint64, none string) string {
	if x == nil {
		return none
	}
	return fmt.Sprint(*x)
}

func utilityOr(x *uint64) string {
	if x == nil {
		return "-"
	}
	return utilityText(new(big.Int).SetUint64(*x))
}

// decimal is an integer of 1e-9 as a decimal number.
func utilityText(x *big.Int) string {
	return new(big.Rat).SetFrac(x, big.NewInt(shapley.Unit)).FloatString(9)
}

// valueText is a value as a decimal number; - of none.
func valueText(x *big.Int) string {
	if x == nil {
		return "-"
	}
	return utilityText(x)
}

// csv is the rows as CSV; what a row does not have is empty.
func (v *valued) csv() ([]byte, error) {
	var b bytes.Buffer
	names := []string{"player", "value", "numerator", "denominator", "std_err", "half_width"}
	if v.counts != nil {
		names = append(names[:4:4], "learners")
	}
	err := tabular.WriteCSV(&b, v.targeted("target", names...), func(yield func([]string) bool) {
		for i, r := range v.rows {
			value := ""
			if r.value != nil {
				value = r.value.String()
			}
			fields := []string{r.player, value, r.numerator, r.denominator}
			if v.counts != nil {
				fields = append(fields, fmt.Sprint(v.counts[i]))
			} else {
				fields = append(fields, textOr(r.stdErr, ""), textOr(r.halfWidth, ""))
			}
			if !yield(v.targeted(r.target, fields...)) {
				return
			}
		}
	})
	return b.Bytes(), err
}

// draw draws the values with their intervals.
func (v *valued) draw(w io.Writer) error {
	var points []chart.Value
	for _, r := range v.rows {
		if r.value == nil {
			continue
		}
		if !r.value.IsInt64() {
			return errUndrawn
		}
		point := chart.Value{Player: r.player, Value: r.value.Int64()}
		half := uint64(0)
		if r.halfWidth != nil {
			half = *r.halfWidth
		}
		point.Low, point.High = chart.Around(point.Value, half)
		points = append(points, point)
	}
	return chart.Values(w, v.title, v.interval, points)
}

// resultRows are the rows of a result, and the notes that every result has.
func resultRows(res *shapley.Result, names []string) ([]valuedRow, [][2]string) {
	rows := make([]valuedRow, len(res.Values))
	for i, x := range res.Fixed() {
		rows[i] = valuedRow{player: names[i], value: x, numerator: res.Values[i].Numerator.String(), denominator: res.Values[i].Denominator.String()}
		if len(res.StdErr) > 0 {
			rows[i].stdErr = &res.StdErr[i]
		}
		if len(res.HalfWidth) > 0 {
			rows[i].halfWidth = &res.HalfWidth[i]
		}
	}
	notes := [][2]string{
		{"estimator", res.Estimator},
		{"intervals", intervalText(res)},
		{"evaluations", fmt.Sprint(res.Evaluations)},
		{"nobody, everybody", utilityText(big.NewInt(res.Empty)) + ", " + utilityText(big.NewInt(res.Full))},
		{"efficiency residual", res.Residual.Rat().FloatString(9)},
		{"transcript", res.Transcript.String()},
	}
	if res.Samples > 0 {
		notes = append(notes, [2]string{"independent samples", fmt.Sprint(res.Samples)})
		if share := abs(res.Full-res.Empty) / 100 / uint64(res.Players); share > 0 && len(res.HalfWidth) > 0 {
			notes = append(notes, [2]string{"budget for 1 % of a mean value", fmt.Sprint(res.Forecast(share))})
		}
	}
	if res.Target > 0 {
		notes = append(notes, [2]string{"target", targetText(res)})
	}
	return rows, notes
}

// intervalText says what a result's intervals are.
func intervalText(res *shapley.Result) string {
	if len(res.HalfWidth) == 0 {
		return res.Interval
	}
	return res.Interval + ", " + intervalName(res)
}

// targetText says whether a result has the widths that were asked for.
func targetText(res *shapley.Result) string {
	target := utilityText(new(big.Int).SetUint64(res.Target))
	switch {
	case res.Met():
		return target + " met"
	case len(res.HalfWidth) == 0:
		return target + " not met: there are no intervals"
	}
	return target + " not met: the widest half-width is " + utilityText(new(big.Int).SetUint64(slices.Max(res.HalfWidth)))
}

func abs(x int64) uint64 { return uint64(max(x, -x)) }

// intervalName is what a result's half-widths are; empty if it has none.
func intervalName(res *shapley.Result) string {
	if len(res.HalfWidth) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %% simultaneous interval", new(big.Rat).SetFrac64(int64(res.Level), 10).FloatString(1))
}

// estimateOptions are the flags of every estimate.
type estimateOptions struct {
	estimator, randomness, out string
	plot, convergence, removal string // SVG files
	budget, level, alpha, beta int
	target, tolerance          uint64
	control, fair              bool
	rows                       uint32
	claimed                    *valuation.Claimed // says all but the files; nil for research
}

func (o *estimateOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.wayFlags(cmd)
	f.StringVar(&o.randomness, "randomness", "", "64 hex digits of a beacon published after the updates were committed; all random choices follow from it and from the game. A certificate with it is for research and is never paid")
	f.StringVar(&o.out, "out", "", "folder for certificate and transcript; an interrupted run there goes on where it stopped")
	f.StringVar(&o.plot, "plot", "", "SVG file to draw the values into")
	f.StringVar(&o.convergence, "convergence", "", "SVG file to draw into how the estimates settled")
	f.StringVar(&o.removal, "removal", "", "SVG file to draw into what is left as players are removed by value")
}

// wayFlags are an estimator and its parameters.
func (o *estimateOptions) wayFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.estimator, "estimator", "antithetic", "way to the values; verifyd value estimators lists them")
	f.IntVar(&o.budget, "budget", -1, "samples to spend, in the estimator's unit; if not given, as many as intervals of the game need. Where it covers all coalitions they are all asked for")
	f.IntVar(&o.level, "level", 950, "confidence of the simultaneous intervals in thousandths")
	f.Uint64Var(&o.target, "target", 0, "antithetic: stop once no half-width is above this (1e-9); declared in the result. Not met, the command ends with code 6")
	f.Uint64Var(&o.tolerance, "tolerance", 0, "truncated, gtg: stop a permutation this close to everyone's utility (1e-9)")
	f.IntVar(&o.alpha, "alpha", 0, "beta, exact-beta: first parameter")
	f.IntVar(&o.beta, "beta", 0, "beta, exact-beta: second parameter")
	complete(cmd, "estimator", estimatorNames()...)
}

func estimatorNames() []string {
	var names []string
	for _, e := range shapley.Estimators() {
		names = append(names, e.Name)
	}
	return names
}

// named is the estimator that was asked for.
func (o *estimateOptions) named() (shapley.Estimator, error) {
	e, err := shapley.Named(o.estimator)
	if err != nil {
		return e, usageError{fmt.Errorf("--estimator %.40q: verifyd value estimators lists them", o.estimator)}
	}
	return e, nil
}

// way is the estimator e with the parameters that the flags give, and the budget advised if they give none.
func (o *estimateOptions) way(e shapley.Estimator, advised int) valuation.Way {
	w := valuation.Way{
		Estimator: o.estimator, Budget: o.budget, Level: o.level, Target: o.target, Tolerance: o.tolerance, Alpha: o.alpha, Beta: o.beta,
		Control: o.control, Fair: o.fair, Rows: o.rows,
	}
	if o.budget < 0 {
		w.Budget = advised
	}
	return w
}

// run is what is to be run on a game with an estimator: what the list of claims says or, for research, the flags.
func (o *estimateOptions) run(e shapley.Estimator, kind string, root merkle.Hash, players []string, advised int) (valuation.Run, error) {
	if o.claimed != nil {
		return o.claimed.Run(root)
	}
	r := valuation.Run{Version: valuation.GameVersion, Kind: kind, Root: root, Source: valuation.Research, Way: o.way(e, advised), Players: players}
	if o.randomness == "" {
		if e.Unit != shapley.None {
			return r, usageError{errors.New("--randomness is missing: a seed that nobody chose must come from a beacon")}
		}
		return r, nil
	}
	var err error
	if r.Randomness, err = merkle.ParseHash(o.randomness); err != nil {
		return r, usageError{fmt.Errorf("--randomness: %w", err)}
	}
	return r, nil
}
