package study

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// examples are rows of inputs, floats or tokens, with labels.
type examples struct {
	x          kernels.Buf
	y          []int32
	rows       int
	in, labels int // elements of a row
}

// images are the digits, the first part to train on and the rest to validate.
func images() (train, validation examples, err error) {
	x, y, err := digits.Load()
	if err != nil {
		return train, validation, err
	}
	of := func(lo, hi int) examples {
		return examples{x: kernels.Buf{F: x[lo*digits.Pixels : hi*digits.Pixels]}, y: y[lo:hi], rows: hi - lo, in: digits.Pixels, labels: 1}
	}
	return of(0, digits.Trained), of(digits.Trained, digits.Count), nil
}

// The sequences that images become: 4x4 means of 2x2 pixels in levels, read row by row, each to be foretold from those
// before it.
const (
	tokens = 15
	levels = 8
)

func sequences(e examples) examples {
	s := examples{x: kernels.Buf{I: make([]int32, e.rows*tokens)}, y: make([]int32, e.rows*tokens), rows: e.rows, in: tokens, labels: tokens}
	for r := range e.rows {
		var all [tokens + 1]int32
		for p := range all {
			at := r*digits.Pixels + p/4*2*digits.Side + p%4*2
			sum := e.x.F[at] + e.x.F[at+1] + e.x.F[at+digits.Side] + e.x.F[at+digits.Side+1]
			all[p] = min(levels-1, int32(sum*levels/4))
		}
		copy(s.x.I[r*tokens:], all[:tokens])
		copy(s.y[r*tokens:(r+1)*tokens], all[1:])
	}
	return s
}

// some are chosen rows.
func (e examples) some(rows []int) examples {
	s := examples{rows: len(rows), in: e.in, labels: e.labels}
	for _, r := range rows {
		if e.x.I != nil {
			s.x.I = append(s.x.I, e.x.I[r*e.in:(r+1)*e.in]...)
		} else {
			s.x.F = append(s.x.F, e.x.F[r*e.in:(r+1)*e.in]...)
		}
		s.y = append(s.y, e.y[r*e.labels:(r+1)*e.labels]...)
	}
	return s
}

// dealt deals rows to n workers, each class by shares of Gamma(1/2): a Dirichlet(0.5) split. class says which class a row is of.
func dealt(class []int32, n int, key uint32) [][]int {
	s := &source{key: key, name: 1}
	var shares [10][]float64
	for c := range shares {
		sum := 0.0
		for range n {
			g := s.normal()
			sum += float64(g*g) + 0.02
			shares[c] = append(shares[c], sum)
		}
	}
	workers := make([][]int, n)
	for _, r := range s.shuffled(len(class)) {
		all := shares[class[r]]
		u, w := s.uniform()*all[n-1], 0
		for w < n-1 && all[w] <= u {
			w++
		}
		workers[w] = append(workers[w], r)
	}
	for w := range workers { // nobody is left with less than eight rows
		for from := 0; len(workers[w]) < 8; from = (from + 1) % n {
			if k := len(workers[from]); k > 16 {
				workers[w], workers[from] = append(workers[w], workers[from][k-1]), workers[from][:k-1]
			}
		}
	}
	return workers
}

// plainSGD is a program with a graph, trained by SGD.
func plainSGD(g program.Graph, batch int, rate float64) *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: batch, Accumulation: 1, Graph: g, Loss: program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: rate},
	}
}

// setting is a round to be made.
type setting struct {
	name       string
	program    *program.Program
	warm       int // steps on all training rows before the round, so that it is one of many
	steps      int // of each worker
	train, val examples
	class      []int32 // of each training row, for the split
	workers    int
	key        uint32
}

// The players of a study's round who are not like the others.
const (
	liar  = 0 // has random labels
	idler = 1 // has an update of zeros
	twin  = 3 // has a copy of the update and size of player 2
)

// play makes the round: workers train on their rows.
func (s *setting) play(ctx context.Context, o Options) (*round.Round, error) {
	plan, err := program.Compile(s.program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	cpu, ok := engine.Host(o.Device)
	if !ok {
		return nil, errors.New("study: no processor is given")
	}
	m, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		return nil, err
	}
	if err := m.Init(uint64(s.key)); err != nil {
		return nil, err
	}
	n := len(m.Grads())
	start := copied(m.Tensors()[:n])
	if s.warm > 0 {
		if start, err = trained(ctx, m, start, s.train, s.warm); err != nil {
			return nil, err
		}
	}
	r := &round.Round{Program: s.program, Base: start, X: s.val.x, Y: kernels.Buf{I: s.val.y}}
	for w, rows := range dealt(s.class, s.workers, s.key) {
		own := s.train.some(rows)
		if w == liar {
			lies := &source{key: s.key, name: 2}
			for i := range own.y {
				own.y[i] = int32(lies.below(10)) % s.classes()
			}
		}
		after, err := trained(ctx, m, start, own, s.steps)
		if err != nil {
			return nil, fmt.Errorf("worker %d: %w", w, err)
		}
		for k, t := range after {
			for i := range t {
				t[i] -= start[k][i]
				if w == idler {
					t[i] = 0
				}
			}
		}
		r.Updates, r.Sizes = append(r.Updates, after), append(r.Sizes, uint64(own.rows))
	}
	r.Updates[twin], r.Sizes[twin] = r.Updates[twin-1], r.Sizes[twin-1]
	return r, nil
}

// classes is how many labels there are.
func (s *setting) classes() int32 {
	if s.train.labels > 1 {
		return levels
	}
	return digits.Classes
}

// trained is the parameters after some steps on rows, which batches take in turn.
func trained(ctx context.Context, m *program.Machine, from [][]float32, e examples, steps int) ([][]float32, error) {
	for k, t := range from {
		copy(m.Tensors()[k], t)
	}
	at, batch := 0, len(m.Y().I)/e.labels
	for t := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for b := range batch {
			copy(m.X().F[min(len(m.X().F), b*e.in):], e.x.F[min(len(e.x.F), at*e.in):min(len(e.x.F), (at+1)*e.in)])
			copy(m.X().I[min(len(m.X().I), b*e.in):], e.x.I[min(len(e.x.I), at*e.in):min(len(e.x.I), (at+1)*e.in)])
			copy(m.Y().I[b*e.labels:], e.y[at*e.labels:(at+1)*e.labels])
			at = (at + 1) % e.rows
		}
		if _, err := m.Gradients(uint64(t)); err != nil {
			return nil, err
		}
		if _, _, err := m.Update(uint64(t)); err != nil {
			return nil, err
		}
	}
	return copied(m.Tensors()[:len(from)]), nil
}

func copied(tensors [][]float32) [][]float32 {
	c := make([][]float32, len(tensors))
	for k, t := range tensors {
		c[k] = append([]float32(nil), t...)
	}
	return c
}

// tabled is the utilities of every coalition of a game.
func tabled(ctx context.Context, g shapley.Game) (shapley.Table, error) {
	all := make([]shapley.Coalition, 1<<g.Players())
	for m := range all {
		all[m] = shapley.Coalition{uint64(m)}
	}
	u := make([]int64, len(all))
	if err := g.Utilities(ctx, all, u); err != nil {
		return nil, err
	}
	return shapley.NewTable(u)
}
