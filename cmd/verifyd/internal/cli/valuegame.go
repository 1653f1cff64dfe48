package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"path/filepath"
	"strings"
	"sync"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// openGame is a game of files, ready to be played.
type openGame struct {
	kind    string
	title   string // of a chart
	game    shapley.Game
	root    merkle.Hash
	players []string
	control *shapley.Control                             // nil for none
	details json.RawMessage                              // of the game, for the certificate; nil for none
	begin   func(seed shapley.Seed, known []int64)       // hears of the seed, and of the utilities of an interrupted run; nil for nobody
	extra   func(shapley.Seed) (*valuation.Extra, error) // nil for nothing
	close   func()
}

// gameFiles opens the game that a command's flags describe, on a device. With control, the game's control variate
// comes with it.
type gameFiles interface {
	open(ctx context.Context, a *app, device engine.Device, control bool) (*openGame, error)
}

// estimate values a game of files and prints what came out.
func (a *app) estimate(ctx context.Context, files gameFiles, eo estimateOptions) error {
	e, err := eo.check()
	if err != nil {
		return err
	}
	return a.onDevice(ctx, func(device engine.Device) error { return a.estimateOn(ctx, device, files, e, eo) })
}

// estimateHere is estimate for a game that needs no device.
func (a *app) estimateHere(ctx context.Context, files gameFiles, eo estimateOptions) error {
	e, err := eo.check()
	if err != nil {
		return err
	}
	return a.estimateOn(ctx, nil, files, e, eo)
}

// check is the estimator, after a look at what can be wrong before a game is opened.
func (o *estimateOptions) check() (e shapley.Estimator, err error) {
	for _, path := range []string{o.plot, o.convergence, o.removal} {
		if err := fresh(path); err != nil {
			return e, err
		}
	}
	if e, err = o.named(); err == nil && o.control && !e.Control {
		err = usageError{fmt.Errorf("--control: %s takes no control variate: verifyd value estimators lists those that do", e.Name)}
	}
	return e, err
}

// estimateOn values a game on a device with an estimator.
func (a *app) estimateOn(ctx context.Context, device engine.Device, files gameFiles, e shapley.Estimator, eo estimateOptions) error {
	g, err := files.open(ctx, a, device, eo.control)
	if err != nil {
		return err
	}
	closed := sync.OnceFunc(g.close)
	defer closed()
	advised, thousandths := e.Advised(shapley.FactsOf(g.game), len(g.players), max(1, min(eo.level, 999)))
	run, err := eo.run(e, g.kind, g.root, g.players, advised)
	if err != nil {
		return err
	}
	run.Details = g.details
	if g.begin != nil {
		var known []int64
		if eo.out != "" { // what cannot be read is refused where it is needed
			known, _ = valuation.ReadUtilities(filepath.Join(eo.out, valuation.UtilitiesFile), true)
		}
		g.begin(shapley.DeriveSeed(run.Randomness, run.Root), known)
	}
	total := e.Evaluations(len(g.players), run.Budget)
	if e.Enumerates(len(g.players), run.Budget) {
		total = 1<<len(g.players) + 2
		a.note("all %d coalitions are asked for: %d %s would cost as much", total, run.Budget, e.Unit)
	} else if eo.claimed == nil && eo.budget < 0 && thousandths > 0 {
		a.note("%d %s: half-widths of about %s of the range of utilities, if players change little", run.Budget, e.Unit, big.NewRat(int64(thousandths), 1000).FloatString(2))
	} else if eo.claimed == nil && eo.budget < 0 && e.Unit != shapley.None {
		a.note("%d %s; the result says how wide its intervals are", run.Budget, e.Unit)
	}
	progress := a.progress("coalitions")
	c, err := valuation.Estimate(ctx, eo.out, run, g.game, g.control, g.extra, func(n uint64) { progress(min(n, total), total) })
	if err != nil {
		if ctx.Err() != nil && eo.out != "" {
			a.note("the transcript so far is in %s: the same command goes on from there", eo.out)
		}
		return err
	}
	if c.Resumed > 0 {
		a.note("took up an interrupted run after %d utilities", c.Resumed)
	}
	if err := writeChart(eo.removal, func(w io.Writer) error { return drawRemoval(ctx, w, g.game, c.Result) }); err != nil {
		return fmt.Errorf("--removal: %w", err)
	}
	if err := writeChart(eo.convergence, func(w io.Writer) error { return drawConvergence(ctx, w, c) }); err != nil {
		return fmt.Errorf("--convergence: %w", err)
	}
	closed() // before what is printed: a process that is asked on standard output hears first that no question follows
	v := &valued{document: c.Certificate, title: g.title, interval: intervalName(c.Result)}
	v.rows, v.notes = resultRows(c.Result, g.players)
	v.notes = append(v.notes, [2]string{"game", c.Root.String()})
	if c.Extra != nil && c.Second != nil {
		v.notes = append(v.notes, [2]string{"second order", utilityTexts(c.Second.Values)}, [2]string{"its gap", utilityText(big.NewInt(c.Second.Gap))})
	}
	if c.Extra != nil {
		v.notes = append(v.notes, fittedNotes(c.Extra, g.players)...)
		for _, x := range c.Isolated {
			v.notes = append(v.notes, [2]string{"isolated", g.players[x.Player] + ": " + x.Reason})
		}
	}
	if c.Extra != nil && len(c.ValidationError) > 0 {
		v.notes = append(v.notes, [2]string{"validation error", utilityTexts(c.ValidationError)})
	}
	a.warnDoubts(c.Certificate)
	if err := a.emitValued(v, eo.plot); err != nil {
		return err
	}
	if !c.Result.Met() {
		a.note("target: not met")
		return exitWith(exitNotMet)
	}
	return nil
}

// fittedNotes are what was made of a round before it was valued.
func fittedNotes(e *valuation.Extra, players []string) (notes [][2]string) {
	if d := e.Drawn; d != nil {
		notes = append(notes, [2]string{"judged by", fmt.Sprintf("%d of %d rows, drawn", d.Rows, d.Of)})
	}
	for _, m := range e.Joined {
		var names []string
		for _, i := range m {
			names = append(names, players[i])
		}
		notes = append(notes, [2]string{"joined", strings.Join(names, ", ") + ": the first has the value of all"})
	}
	return notes
}

// warnDoubts says what in a certificate should be looked at before anybody is paid by it.
func (a *app) warnDoubts(c *valuation.Certificate) {
	for _, d := range valuation.Doubts(c) {
		a.log.Warn(d.What, "player", d.Player, "value", utilityText(d.Value), "against", utilityText(d.Against))
	}
}

// utilityTexts are a few utilities, and how many more there are.
func utilityTexts[T int64 | uint64](values []T) string {
	const shown = 8
	s := ""
	for i, v := range values {
		if i == shown {
			return s + fmt.Sprintf(" and %d more", len(values)-i)
		}
		if i > 0 {
			s += " "
		}
		s += utilityText(big.NewInt(int64(v)))
	}
	return s
}
