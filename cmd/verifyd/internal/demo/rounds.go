package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	shapleyround "github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/round"
	"github.com/verifyd/verifyd/verify/trace"
)

// The sizes of the demonstration of rounds: three workers have so many images each, the next ones are what values are judged by.
const (
	roundCount  = 5
	roundSteps  = 40
	roundStride = 10
	honestOnes  = 3
	ownImages   = 420
)

// RoundsReport is what the demonstration of rounds found.
type RoundsReport struct {
	Dir     string    `json:"dir"`
	Rounds  []Rounded `json:"rounds"`
	Alone   float64   `json:"alone"` // accuracy of one worker with all data and as many steps
	Seconds float64   `json:"seconds"`
}

// Rounded is one round.
type Rounded struct {
	Dir      string           `json:"dir"`
	Accuracy float64          `json:"accuracy"` // of the next base, on the images kept for testing
	Finals   int              `json:"finals"`   // that it was made from
	Claims   []RoundClaim     `json:"claims"`
	Checked  []round.Checked  `json:"checked"` // by a stranger, from the files
	Values   map[string]int64 `json:"values"`  // in 1e-9, with the rider's zero update played, too
}

// RoundClaim is what one worker did in a round.
type RoundClaim struct {
	Worker  string         `json:"worker"`
	What    string         `json:"what"`
	Outcome verify.Outcome `json:"outcome"`
	Reason  verify.Reason  `json:"reason"`
	Units   uint64         `json:"units"` // one for each step of a claim that passes, as in the other demonstration
	Refused string         `json:"refused,omitempty"`
}

// RunRounds goes through five rounds of three honest workers with data of their own, a free rider and a forger.
func RunRounds(ctx context.Context, o Options, told func(Rounded)) (*RoundsReport, error) {
	began := time.Now()
	if err := makeFolder(o.Dir); err != nil {
		return nil, err
	}
	if o.people == nil {
		o.people = newPeople
	}
	if o.operator == nil {
		o.operator = o.Devices[0]
	}
	if o.now == nil {
		o.now = time.Now
	}
	c, err := newCourse(o)
	if err != nil {
		return nil, err
	}
	report := &RoundsReport{Dir: o.Dir}
	if report.Alone, err = c.alone(ctx); err != nil {
		return nil, fmt.Errorf("alone: %w", err)
	}
	for c.index = range uint64(roundCount) {
		r, err := c.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", c.index, err)
		}
		report.Rounds = append(report.Rounds, *r)
		told(*r)
	}
	report.Seconds = time.Since(began).Seconds()
	return report, nil
}

// next is one round: five claims, their verdicts, the aggregate, and a stranger's look at all rounds so far.
func (c *course) next(ctx context.Context) (*Rounded, error) {
	r := &Rounded{Dir: c.dir(c.index)}
	claims, err := c.claims(ctx)
	if err != nil {
		return nil, err
	}
	books, err := c.open(claims[0])
	if err != nil {
		return nil, err
	}
	for _, w := range claims {
		said := RoundClaim{Worker: w.name, What: w.what, Outcome: w.verdict.Finding.Outcome, Reason: w.verdict.Finding.Reason}
		signed, err := w.verdict.Sign(c.verifier)
		if err != nil {
			return nil, err
		}
		_, err = books.Take(ctx, filepath.Join(w.trace, trace.FinalFile), w.name, signed)
		switch {
		case said.Outcome == verify.Pass && err != nil:
			return nil, err
		case err != nil:
			said.Refused = err.Error()
		default:
			said.Units = roundSteps
		}
		r.Claims = append(r.Claims, said)
	}
	made, err := books.Aggregate(ctx, c.operator)
	if err != nil {
		return nil, err
	}
	r.Finals = len(made.Aggregate.Finals)
	if r.Values, err = c.values(ctx, claims[:honestOnes+1]); err != nil {
		return nil, err
	}
	c.base = made.Base
	if r.Accuracy, err = c.accuracy(made.Base.Tensors()); err != nil {
		return nil, err
	}
	// The stranger has the files and the operator's public key, and nothing of ours.
	key, err := document.NewKey(c.operator.Public())
	if err != nil {
		return nil, err
	}
	var dirs []string
	for i := range c.index + 1 {
		dirs = append(dirs, c.dir(i))
	}
	r.Checked, err = round.CheckAll(ctx, dirs, key, 1)
	return r, err
}

func (c *course) dir(index uint64) string {
	return filepath.Join(c.options.Dir, fmt.Sprintf("round%d", index))
}

// open opens the round of a job.
func (c *course) open(w *attempt) (*round.Books, error) {
	verifier, err := document.NewKey(c.verifier.Public())
	if err != nil {
		return nil, err
	}
	r := round.Round{
		Index: c.index, Verifiers: []document.Key{verifier}, Validation: c.validation.Root(), Rule: round.Rule{Kind: round.Mean, Weights: round.ByRows},
	}
	follows := func(*round.Round) error { return nil }
	if c.index > 0 {
		operator, err := document.NewKey(c.operator.Public())
		if err != nil {
			return nil, err
		}
		before, made, digest, err := round.Signed(c.dir(c.index-1), operator)
		if err != nil {
			return nil, err
		}
		r.Previous = digest
		follows = func(r *round.Round) error { return r.Follows(before, made, digest) }
	}
	base := filepath.Join(c.options.Dir, "start.safetensors")
	if c.index > 0 {
		base = filepath.Join(c.dir(c.index-1), round.NextFile)
	}
	parts := round.Parts{Program: w.pool.Documents.Program, Jobs: [][]byte{w.pool.Documents.Job}, Base: base}
	return round.Create(c.dir(c.index), r, parts, follows, c.operator, 1)
}

// values are what updates were worth for the loss on the validation rows: those of the honest workers, and for show that of the free
// rider, whose claims never get onto a list. It plays zeros whatever it copied.
func (c *course) values(ctx context.Context, claims []*attempt) (map[string]int64, error) {
	g := shapleyround.Round{Program: c.program, Base: c.base.Tensors()}
	for _, w := range claims {
		u := zeros(c.plan.Params())
		if w.verdict.Finding.Outcome == verify.Pass {
			final, err := readFinal(w)
			if err != nil {
				return nil, err
			}
			for k := range u {
				for i := range u[k] {
					u[k][i] = final[k][i] - g.Base[k][i]
				}
			}
		}
		g.Updates, g.Sizes = append(g.Updates, u), append(g.Sizes, ownImages)
	}
	x, y := c.plan.X(), c.plan.Y()
	ids := make([]int64, c.validation.Samples())
	for i := range ids {
		ids[i] = int64(i)
	}
	g.X, g.Y = kernels.Buf{F: make([]float32, len(ids)*x.Len()/x.Shape[0])}, kernels.Buf{I: make([]int32, len(ids)*y.Len()/y.Shape[0])}
	if err := c.validation.Fill([]kernels.Buf{g.X, g.Y}, ids); err != nil {
		return nil, err
	}
	game, err := shapleyround.New(ctx, g, shapleyround.Options{Device: c.options.operator})
	if err != nil {
		return nil, err
	}
	defer game.Close()
	found, err := shapley.Estimate(ctx, game, shapley.Options{Estimator: "exact"})
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for i, v := range found.Fixed() {
		values[claims[i].name] = v.Int64()
	}
	return values, nil
}

func zeros(specs []program.TensorSpec) [][]float32 {
	all := make([][]float32, len(specs))
	for i, s := range specs {
		all[i] = make([]float32, s.Len())
	}
	return all
}

// readFinal is the state that a worker's claim came to.
func readFinal(w *attempt) (tensors [][]float32, err error) {
	t, err := trace.Read(w.trace, w.pool.Terms.Trace())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	tensors = zeros(w.pool.Terms.State().Tensors())
	_, err = t.Final(tensors)
	return tensors, err
}

// accuracy is that of parameters on the images kept for testing.
func (c *course) accuracy(params [][]float32) (float64, error) {
	m, err := program.NewMachine(c.plan, c.options.Runner, 0)
	if err != nil {
		return 0, err
	}
	for i := range c.plan.Params() {
		copy(m.Tensors()[i], params[i])
	}
	return accuracy(m, c.plan.X().Shape[0])
}

// images are some of the digits as a data set.
func images(plan *program.Plan, from, to int) (*job.Dataset, error) {
	pixels, labels, err := digits.Load()
	if err != nil {
		return nil, err
	}
	x, y := plan.X(), plan.Y()
	x.Shape, y.Shape = append([]int{to - from}, x.Shape[1:]...), []int{to - from}
	return job.NewDataset(x, kernels.Buf{F: pixels[from*digits.Pixels : to*digits.Pixels]}, y, kernels.Buf{I: labels[from:to]})
}

// writeStart writes the base of the first round.
func writeStart(path string, b *verify.Base) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(b.Write(f), f.Close())
}
