// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

// Options say how much is measured. Every field must be positive.
type Options struct {
	Sizes    []int // elements of the vectors that are reduced and mapped
	Rounds   int   // turns of each side that count
	Times    int   // repetitions within a turn, of which the mean is taken
	Launches int   // launches in a row where their overhead is measured
	Repeats  []int // elements of the vectors whose sums are repeated
	Runs     int   // how often

	// Progress, if not nil, is told what is measured next.
	Progress func(what string)
}

// small is the number of elements where launches are measured: next to no work.
const small = 1024

// warm is the number of turns that do not count.
const warm = 2

// session is one run.
type session struct {
	options              Options
	cpu                  *kernels.CPU
	ours, captured, peer Side
	report               *Report
}

func (s *session) sides() []Side { return []Side{s.ours, s.captured, s.peer} }

// Run checks the sides, times them and repeats their sums. captured is ours by a graph of the
// launches; only its maps are timed. The report is returned as far as it got, also with an error.
func Run(ctx context.Context, ours, captured, peer Side, o Options) (*Report, error) {
	for _, n := range slices.Concat(o.Sizes, o.Repeats, []int{o.Rounds, o.Times, o.Launches, o.Runs}) {
		if n < 1 {
			return nil, fmt.Errorf("a size or a number of rounds is %d, must be positive", n)
		}
	}
	cpu, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		return nil, err
	}
	defer cpu.Close()
	s := &session{options: o, cpu: cpu, ours: ours, captured: captured, peer: peer, report: &Report{}}
	a, b, err := operands(cpu, slices.Max(slices.Concat(o.Sizes, o.Repeats, []int{small})))
	if err != nil {
		return nil, err
	}
	if err := s.launches(ctx, a[:small], b[:small]); err != nil {
		return s.report, err
	}
	for _, n := range o.Sizes {
		if err := s.throughput(ctx, a[:n], b[:n]); err != nil {
			return s.report, err
		}
	}
	for _, n := range o.Repeats {
		if err := s.repeats(ctx, a[:n], b[:n]); err != nil {
			return s.report, err
		}
	}
	return s.report, nil
}

// place puts the operands on every side's device and checks what is computed from them.
func (s *session) place(ctx context.Context, a, b []float32) error {
	for _, side := range s.sides() {
		if err := side.Place(ctx, a, b); err != nil {
			return fmt.Errorf("%s: %d elements: %w", side.Name(), len(a), err)
		}
	}
	return s.check(ctx, a, b)
}

// launches measures the cost of a launch that has next to nothing to do.
func (s *session) launches(ctx context.Context, a, b []float32) error {
	s.progress("launches")
	if err := s.place(ctx, a, b); err != nil {
		return err
	}
	times, row := s.options.Times, s.options.Launches
	if err := s.compare("launch, then wait", 0, mapper(ctx, Mul, times, 1), s.ours); err != nil {
		return err
	}
	return s.compare(fmt.Sprintf("each of %d launches in a row", row), 0, mapper(ctx, Mul, 1, row), s.ours, s.captured)
}

// throughput measures maps and reductions of long vectors.
func (s *session) throughput(ctx context.Context, a, b []float32) error {
	n, times := len(a), s.options.Times
	s.progress(fmt.Sprintf("%s elements", count(n)))
	if err := s.place(ctx, a, b); err != nil {
		return err
	}
	for _, m := range []Map{Copy, Add, Mul} {
		waits, launches := 1, times
		if m == Copy { // mumax3 waits for each of its copies
			waits, launches = times, 1
		}
		if err := s.compare(fmt.Sprintf("%s %s", m, count(n)), m.bytes(n), mapper(ctx, m, waits, launches), s.ours); err != nil {
			return err
		}
	}
	for _, r := range []Reduction{Sum, SumSquares, MaxAbsolute} {
		var ours []Side
		if s.ours.Has(r) {
			ours = []Side{s.ours}
		}
		if err := s.compare(fmt.Sprintf("%s of %s", r, count(n)), 4*n, reducer(ctx, r, times), ours...); err != nil {
			return err
		}
	}
	return nil
}

// timer returns the time of one unit of a side's work.
type timer func(Side) (time.Duration, error)

func mapper(ctx context.Context, m Map, waits, launches int) timer {
	return func(side Side) (time.Duration, error) {
		d, err := side.Map(ctx, m, waits, launches)
		return d / time.Duration(waits*launches), err
	}
}

func reducer(ctx context.Context, r Reduction, times int) timer {
	results := make([]float32, times)
	return func(side Side) (time.Duration, error) {
		d, err := side.Reduce(ctx, r, results)
		return d / time.Duration(times), err
	}
}

// compare times the peer and each of ours in turn, and adds a row for each of ours, or one of the peer
// alone. work is the bytes that a unit has to move.
func (s *session) compare(name string, work int, unit timer, ours ...Side) error {
	times, err := alternate(s.options.Rounds, warm, unit, append(slices.Clone(ours), s.peer))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	peer := times[len(ours)]
	for i, side := range ours {
		spread, ratio := spreadOf(times[i]), ratioOf(times[i], peer)
		s.report.Rows = append(s.report.Rows, Row{Name: name, By: side.Name(), Ours: &spread, Peer: spreadOf(peer), Ratio: &ratio, Bytes: work})
	}
	if len(ours) == 0 {
		s.report.Rows = append(s.report.Rows, Row{Name: name, Peer: spreadOf(peer), Bytes: work})
	}
	return nil
}

// repeats computes the same reductions over and over.
func (s *session) repeats(ctx context.Context, a, b []float32) error {
	s.progress(fmt.Sprintf("%d times the same %s numbers", s.options.Runs, count(len(a))))
	if err := s.place(ctx, a, b); err != nil {
		return err
	}
	for _, r := range []Reduction{Sum, SumSquares, MaxAbsolute} {
		for _, side := range []Side{s.ours, s.peer} {
			if !side.Has(r) {
				continue
			}
			results := make([]float32, s.options.Runs)
			if _, err := side.Reduce(ctx, r, results); err != nil {
				return fmt.Errorf("%s: %s: %w", side.Name(), r, err)
			}
			s.report.Repeats = append(s.report.Repeats, patternsOf(side.Name(), r, a, results))
		}
	}
	return s.report.steady(s.ours.Name())
}

func (s *session) progress(what string) {
	if s.options.Progress != nil {
		s.options.Progress(what)
	}
}
