package bench

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// Options choose what a session measures.
type Options struct {
	Quick   bool   // tiny sizes and few rounds: the harness is exercised, the figures mean nothing
	NoPeers bool   // measure verifyd alone
	Verifyd string // path of the built verifyd, for the peak memory of `verify` and `value knn`; empty builds one, Quick then leaves it out
	Rounds  int    // rounds of each comparison; 0 takes enough for stable medians
	Only    string // one group: gemm, train, replay, imprint, gate, state, verify, answer, models, operators, values or adapters; empty is all but the last five
	Device  string // "cpu", or "cuda:N" for a GPU; empty is cpu
	Commit  string // of the build, where there is no checkout to ask

	// Progress, if not nil, is told what is measured next.
	Progress func(what string)
	// Measured, if not nil, is shown the report after each group.
	Measured func(*Report) error

	driver cgo.Options // libraries of the tests
}

// session is one run of the benchmarks: its settings, its processors and what it found.
type session struct {
	options Options
	dir     string          // scratch
	cpus    [2]*kernels.CPU // one and two threads
	device  *engine.CPU     // of all threads, for values
	report  *Report
}

// Run measures and returns the report. A peer that is not installed is an error that wraps ErrNoPeer and
// says what to install, unless Quick or NoPeers is set.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if o.Quick {
		o.NoPeers = true
	}
	if o.Device != "" && o.Device != "cpu" {
		return runGPU(ctx, o)
	}
	s := &session{options: o}
	if s.dir, err = os.MkdirTemp("", "verifyd-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	for i := range s.cpus {
		if s.cpus[i], err = kernels.NewCPU(kernels.Options{Threads: i + 1}); err != nil {
			return nil, err
		}
		defer s.cpus[i].Close()
	}
	s.report = &Report{Machine: describe(ctx, s.cpus[0].ISA().String()), Quick: o.Quick, Peers: []string{}}
	err = s.measure(ctx, []group{
		{"gemm", s.measureGemm},
		{"train", s.measureTrain},
		{"replay", s.measureReplay},
		{"imprint", s.measureImprint},
		{"gate", s.measureGate},
		{"state", s.measureState},
		{"verify", s.measureVerify},
		{"answer", whenAsked(o, "answer", s.measureAnswer)},
		{"models", whenAsked(o, "models", s.measureExported)},
		{"operators", whenAsked(o, "operators", s.measureOperators)},
		{"values", whenAsked(o, "values", s.measureValues)},
		{"adapters", whenAsked(o, "adapters", s.measureAdapters)},
	})
	if err != nil {
		return nil, err
	}
	s.report.Machine.LoadLate = loadAverage()
	return s.report, nil
}

// group is a part of a report.
type group struct {
	name    string
	measure func(context.Context) error // nil is left out
}

// whenAsked is a measure that is taken only if its group alone is asked for.
func whenAsked(o Options, name string, measure func(context.Context) error) func(context.Context) error {
	if o.Only != name {
		return nil
	}
	return measure
}

// measure goes through the groups that are asked for.
func (s *session) measure(ctx context.Context, groups []group) error {
	o, known := s.options, s.options.Only == ""
	for _, g := range groups {
		if o.Only != "" && o.Only != g.name || g.measure == nil {
			continue
		}
		known = true
		if o.Progress != nil {
			o.Progress(g.name)
		}
		if err := g.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		if o.Measured != nil {
			if err := o.Measured(s.report); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("group %q is unknown", o.Only)
	}
	return nil
}

// rounds is how often the contenders of a comparison take turns, and how often before it counts.
func (s *session) rounds(full int) (rounds, warm int) {
	switch {
	case s.options.Quick:
		return 3, 1
	case s.options.Rounds > 0:
		return s.options.Rounds, 1
	}
	return full, 2
}

// compare makes the row of our samples against a peer's, the first of the list; without one, of ours alone.
func (s *session) compare(group, name string, threads int, ours []Sample, peers [][]Sample, against string) Row {
	spread := spreadOf(ours)
	row := Row{Group: group, Name: name, Threads: threads, Ours: &spread}
	if len(peers) == 0 {
		row.Against = against + " left out"
		return row
	}
	peer, ratio := spreadOf(peers[0]), ratioOf(ours, peers[0])
	row.Against, row.Peer, row.Ratio = against, &peer, &ratio
	return row
}

// surcharge makes the row of work with something more, on one thread, against the same work without, which may take at
// most so many times as long.
func (s *session) surcharge(group, name string, with, without []Sample, most float64) Row {
	row := s.compare(group, name, 1, with, [][]Sample{without}, "without")
	row.Limit = 1 / most // of a ratio, which says how many times faster it is
	return row
}

// add appends a row. Where a time means nothing, in a quick run or without the peer, nothing is asked of it.
func (s *session) add(r Row) {
	if r.Ours != nil && (s.options.Quick || r.Ratio == nil && r.Value == 0) {
		r.Limit, r.Goal, r.Most = 0, 0, false
	}
	s.report.Rows = append(s.report.Rows, r)
}
