package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
)

//go:embed peers/values.py
var valuesSource []byte

// peersPython is the interpreter that bench/peers/values.sh installs, in the folder where the benchmark is started.
const peersPython = "build/peers/bin/python"

// neighbours is K of the values by neighbours.
const neighbours = 5

// startValues starts peers/values.py with the threads.
func startValues(ctx context.Context, dir string, threads int) (*Peer, error) {
	if _, err := os.Stat(peersPython); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: pyDVL, OpenDataVal and dattri: run bench/peers/values.sh in the repository", ErrNoPeer)
	}
	script := filepath.Join(dir, "values.py")
	if err := os.WriteFile(script, valuesSource, 0o644); err != nil {
		return nil, err
	}
	return startPeer(ctx, nil, peersPython, script, fmt.Sprint(threads))
}

// measureValues times valuations beside the libraries that have them, all on as many threads as there are processors.
func (s *session) measureValues(ctx context.Context) error {
	cpu, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		return err
	}
	defer cpu.Close()
	s.device = engine.NewCPU("cpu", cpu, cpu.Threads())
	var peer *Peer
	if !s.options.NoPeers {
		if peer, err = startValues(ctx, s.dir, runtime.GOMAXPROCS(0)); err != nil {
			return err
		}
		defer peer.Close()
		s.report.Peers = append(s.report.Peers, peer.Version)
	}
	for _, measure := range []func(context.Context, *Peer) error{s.measureNeighbours, s.measureModels} {
		if err := measure(ctx, peer); err != nil {
			return err
		}
	}
	for _, measure := range []func(context.Context) error{s.measureManyNeighbours, s.measureHead, s.measureRound} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureNeighbours compares values by neighbours with each library.
func (s *session) measureNeighbours(ctx context.Context, peer *Peer) error {
	n, m, width := 10_000, 500, 784
	if s.options.Quick {
		n, m, width = 50, 5, 16
	}
	d := neighbourRows(n, m, width)
	ours := Contender{Name: "verifyd", Run: func() (Sample, error) {
		return timed(1, func() error { _, err := knn.Values(ctx, d, knn.Options{K: neighbours, Device: s.device}); return err })
	}}
	name := fmt.Sprintf("KNN-Shapley %dx%dx%d", n, m, width)
	if peer == nil {
		return s.withoutPeers(name, ours)
	}
	if err := peer.Ask(fmt.Sprintf("neighbours %d %d %d", n, m, width), new(int)); err != nil {
		return err
	}
	// dattri takes a quarter of an hour: it is given fewer of the test rows, in which its time is linear.
	for _, p := range []struct {
		library, title string
		rows           int
		limit, goal    float64
	}{{"pydvl", "pyDVL", m, 50, 150}, {"opendataval", "OpenDataVal", m, 15, 45}, {"dattri", "dattri", 10, 500, 1500}} {
		if err := s.agreeOnNeighbours(ctx, d, peer, p.library, p.rows); err != nil {
			return err
		}
		scale := m / p.rows
		rounds, _ := s.rounds(5)
		samples, err := Alternate(rounds, 0, 0, ours, Contender{Name: p.title, Run: func() (Sample, error) {
			t, err := peer.Time(fmt.Sprintf("knn %s %d %d", p.library, neighbours, p.rows))
			t.Wall, t.CPU = t.Wall*time.Duration(scale), t.CPU*time.Duration(scale)
			return t, err
		}})
		if err != nil {
			return err
		}
		row := s.compare("values", name, runtime.GOMAXPROCS(0), samples[0], samples[1:], p.title)
		row.Limit, row.Goal = p.limit, p.goal
		if scale > 1 {
			row.Note = fmt.Sprintf("%s: its time for %d test rows times %d", p.title, p.rows, scale)
		}
		s.add(row)
	}
	return nil
}

// agreeOnNeighbours compares the library's values for the first test rows with ours. Its distances are binary32, so
// that a few neighbours change places.
func (s *session) agreeOnNeighbours(ctx context.Context, d knn.Data, peer *Peer, library string, rows int) error {
	few := d
	few.Test, few.TestLabels = d.Test[:rows*d.Width], d.TestLabels[:rows]
	ours, err := knn.Values(ctx, few, knn.Options{K: neighbours, Device: s.device})
	if err != nil {
		return err
	}
	if _, err := peer.Time(fmt.Sprintf("knn %s %d %d", library, neighbours, rows)); err != nil {
		return err
	}
	theirs, into := numbers(len(d.TrainLabels))
	if err := peer.Ask("values", into...); err != nil {
		return err
	}
	var off, all float64
	for i, v := range theirs {
		own, _ := ours.Value(i).Float64()
		off, all = off+math.Abs(own-v), all+math.Abs(own)
	}
	if !(off <= 0.02*all) {
		return fmt.Errorf("%s: values are off by %.3g of their sum of %.3g", library, off, all)
	}
	return nil
}

// measureModels compares the training of coalitions' logistic models with OpenDataVal.
func (s *session) measureModels(ctx context.Context, peer *Peer) error {
	n, m, width, count, theirs := 1000, 500, 108, 1024, 128
	if s.options.Quick {
		n, m, width, count, theirs = 30, 20, 5, 16, 16
	}
	g, err := retrain.New(ctx, modelRows(n, m, width), retrain.Options{Device: s.device})
	if err != nil {
		return err
	}
	defer g.Close()
	coalitions, out := growing(n, count), make([]int64, count)
	ours := Contender{Name: "verifyd", Run: func() (Sample, error) {
		t, err := timed(1, func() error { return g.Utilities(ctx, coalitions, out) })
		t.Wall, t.CPU = t.Wall/time.Duration(count), t.CPU/time.Duration(count)
		return t, err
	}}
	name := fmt.Sprintf("logistic model of a coalition, %dx%d", n, width)
	if peer == nil {
		return s.withoutPeers(name, ours)
	}
	if err := peer.Ask(fmt.Sprintf("models %d %d %d", n, m, width), new(int)); err != nil {
		return err
	}
	fit := fmt.Sprintf("fit %d", theirs)
	if _, err := peer.Time(fit); err != nil {
		return err
	}
	scores, into := numbers(theirs)
	if err := peer.Ask("scores", into...); err != nil {
		return err
	}
	same := make([]int64, theirs)
	if err := g.Utilities(ctx, growing(n, theirs), same); err != nil {
		return err
	}
	var off float64
	for i, u := range same {
		off += math.Abs(float64(u)/shapley.Unit - scores[i])
	}
	if off /= float64(theirs); !(off <= 0.01) {
		return fmt.Errorf("accuracies of coalitions are off by %.3g on average", off)
	}
	rounds, warm := s.rounds(9)
	samples, err := Alternate(rounds, warm, 0, ours, Contender{Name: "OpenDataVal", Run: func() (Sample, error) { return peer.Time(fit) }})
	if err != nil {
		return err
	}
	row := s.compare("values", name, runtime.GOMAXPROCS(0), samples[0], samples[1:], "OpenDataVal")
	row.Work, row.Unit, row.Limit, row.Goal = 1, "model", 15, 40
	row.Note = fmt.Sprintf("accuracies differ by %.4f on average", off)
	s.add(row)
	return nil
}

// measureManyNeighbours times values by neighbours where an N x M matrix would take gigabytes, and reads the peak
// memory of the command that computes them.
func (s *session) measureManyNeighbours(ctx context.Context) error {
	n, m, width := 50_000, 10_000, 512
	if s.options.Quick {
		n, m, width = 60, 70, 16
	}
	d := neighbourRows(n, m, width)
	name := fmt.Sprintf("KNN-Shapley %dx%dx%d", n, m, width)
	err := s.within(name, 15, 8, 3, func() error { _, err := knn.Values(ctx, d, knn.Options{K: neighbours, Device: s.device}); return err })
	if err != nil || s.options.Quick && s.options.Verifyd == "" {
		return err
	}
	verifyd, err := s.verifyd(ctx)
	if err != nil {
		return err
	}
	train, err := writeRows(s.dir, "train", width, d.Train, d.TrainLabels)
	if err != nil {
		return err
	}
	test, err := writeRows(s.dir, "test", width, d.Test, d.TestLabels)
	if err != nil {
		return err
	}
	peak, err := peakMemory(exec.CommandContext(ctx, verifyd, "value", "knn", "-k", fmt.Sprint(neighbours), "--train", train, "--test", test,
		"--column", "y", "--out", filepath.Join(s.dir, "values.csv")))
	if err != nil {
		return fmt.Errorf("verifyd value knn: %w", err)
	}
	s.add(Row{Group: "values", Name: name + ": peak memory of `value knn`, files and all", Value: float64(peak), Unit: "byte", Limit: 2 << 30, Most: true})
	return nil
}

// measureHead times the utilities of all coalitions of a linear head, and the values of that table.
func (s *session) measureHead(ctx context.Context) error {
	n, rows, classes := 20, 304, 10
	if s.options.Quick {
		n = 6
	}
	g, err := headGame(n, rows, classes)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("exact values of a linear head, n = %d, %d rows, %d classes", n, rows, classes)
	return s.within(name, 1, 0.5, 9, func() error {
		t, err := g.Exact(ctx, 0)
		if err != nil {
			return err
		}
		_, err = shapley.Estimate(ctx, t, shapley.Options{Estimator: "exact"})
		return err
	})
}

// measureRound times the closed form and one antithetic pair of the game of a round.
func (s *session) measureRound(ctx context.Context) error {
	n, rows, hidden := 32, 1000, []int{896, 256}
	if s.options.Quick {
		n, rows, hidden = 4, 20, []int{16}
	}
	r, err := roundOf(n, rows, hidden...)
	if err != nil {
		return err
	}
	var parameters int
	for _, t := range r.Base {
		parameters += len(t)
	}
	name := fmt.Sprintf("round, n = %d, %d parameters, %d rows: ", n, parameters, rows)
	err = s.within(name+"round2", 1, 0.4, 7, func() error { _, err := round.SecondOrder(ctx, r, round.Options{Device: s.device}); return err })
	if err != nil {
		return err
	}
	walk := pairOf(n)
	out := make([]int64, len(walk))
	return s.within(name+"an antithetic pair, game made anew", 4, 2, 5, func() error {
		g, err := round.New(ctx, r, round.Options{Device: s.device})
		if err != nil {
			return err
		}
		defer g.Close()
		return g.Utilities(ctx, walk, out)
	})
}

// withoutPeers adds the row of a contender whose peers are left out.
func (s *session) withoutPeers(name string, ours Contender) error {
	rounds, warm := s.rounds(9)
	samples, err := Alternate(rounds, warm, 0, ours)
	if err == nil {
		s.add(s.compare("values", name, runtime.GOMAXPROCS(0), samples[0], nil, "peers"))
	}
	return err
}

// within adds the row of work that no library does, with the seconds that it may take and those hoped for.
func (s *session) within(name string, limit, goal float64, full int, work func() error) error {
	rounds, _ := s.rounds(full)
	samples, err := Alternate(rounds, 1, 0, Contender{Name: name, Run: func() (Sample, error) { return timed(1, work) }})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	spread := spreadOf(samples[0])
	s.add(Row{
		Group: "values", Name: name, Threads: runtime.GOMAXPROCS(0), Ours: &spread,
		Value: spread.Median, Unit: "s", Limit: limit, Goal: goal, Most: true,
	})
	return nil
}

// numbers are n places and the pointers to them.
func numbers(n int) ([]float64, []any) {
	values, into := make([]float64, n), make([]any, n)
	for i := range values {
		into[i] = &values[i]
	}
	return values, into
}
