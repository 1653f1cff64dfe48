package study

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/program"
)

// errorOf is the median relative error of an estimator on a table, over seeds.
func errorOf(ctx context.Context, t shapley.Table, o shapley.Options, repeats int) (float64, error) {
	want := floats(t.Values())
	var all []float64
	o.Sampled = true // it is the estimator that is studied
	for k := range repeats {
		o.Seed = shapley.Seed{byte(k), byte(k >> 8), 0x5e}
		r, err := shapley.Estimate(ctx, t, o)
		if err != nil {
			return 0, err
		}
		got := make([]float64, len(r.Values))
		for i, v := range r.Values {
			got[i], _ = v.Rat().Float64()
		}
		all = append(all, relative(got, want))
	}
	return median(all), nil
}

// promises are the limits of a round's errors; 0 is none.
type promises struct{ second, pairs float64 }

// studyRound measures one round against its exact values.
func studyRound(ctx context.Context, s setting, o Options, p promises) ([]Row, error) {
	r, err := s.play(ctx, o)
	if err != nil {
		return nil, err
	}
	g, err := round.New(ctx, *r, round.Options{Device: o.Device})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	table, err := tabled(ctx, g)
	if err != nil {
		return nil, err
	}
	exact := floats(table.Values())
	second, err := round.SecondOrder(ctx, *r, round.Options{Device: o.Device})
	if err != nil {
		return nil, err
	}
	closed, first := make([]float64, len(exact)), make([]float64, len(exact))
	for i := range closed {
		closed[i], first[i] = float64(second.Values[i]), float64(second.First[i])
	}
	gap, err := second.Gap(ctx, g)
	if err != nil {
		return nil, err
	}
	limited := func(measure string, limit, got float64) Row {
		if limit == 0 {
			return Row{Measure: s.name + ": " + measure, Measured: fmt.Sprintf("%.4f", got), Verdict: Reported}
		}
		return Row{Measure: s.name + ": " + measure, Promised: fmt.Sprintf("at most %.2f", limit), Measured: fmt.Sprintf("%.4f", got), Verdict: verdict(got <= limit)}
	}
	rows := []Row{limited("relative error of round2, no coalition evaluated", p.second, relative(closed, exact))}
	rho := spearman(closed, exact)
	rank := limited("Spearman's rank correlation of round2", 0, rho)
	if p.second > 0 {
		rank.Promised, rank.Verdict = "at least 0.99", verdict(rho >= 0.99)
	}
	rows = append(rows, rank, limited("relative error of the first order", 0, relative(first, exact)),
		limited("surrogate gap of round2, share of U(N)", 0, float64(gap)/float64(table[len(table)-1])))
	n := len(exact)
	for _, e := range []struct {
		measure string
		limit   float64
		o       shapley.Options
	}{
		{"antithetic, 1 pair", 0, shapley.Options{Estimator: "antithetic", Budget: 1}},
		{"antithetic, 4 pairs", p.pairs, shapley.Options{Estimator: "antithetic", Budget: 4}},
		{"permutation, 8 orders, as many evaluations", 0, shapley.Options{Estimator: "permutation", Budget: 8}},
		{"kernel, as many evaluations", 0, shapley.Options{Estimator: "kernel", Budget: 4 * n}},
		{"leverage, as many evaluations", 0, shapley.Options{Estimator: "leverage", Budget: 4 * n}},
		{"stratified, 60n evaluations", 0, shapley.Options{Estimator: "stratified", Budget: 60 * n}},
	} {
		got, err := errorOf(ctx, table, e.o, o.repeats(30))
		if err != nil {
			return nil, err
		}
		rows = append(rows, limited("median relative error of "+e.measure, e.limit, got))
	}
	idle := table.Values()[idler]
	rows = append(rows, Row{Measure: s.name + ": value of an update of zeros, exact and round2", Promised: "exactly 0",
		Measured: fmt.Sprintf("%s, %d", idle.RatString(), second.Values[idler]), Verdict: verdict(idle.Sign() == 0 && second.Values[idler] == 0)})
	return rows, nil
}

// splitGains are what honest players earn as two with half of their rows each, over what they earn as one.
func splitGains(ctx context.Context, o Options, r *round.Round, players []int) ([]float64, error) {
	valued := func(r *round.Round) ([]*big.Rat, error) {
		g, err := round.New(ctx, *r, round.Options{Device: o.Device})
		if err != nil {
			return nil, err
		}
		defer g.Close()
		t, err := tabled(ctx, g)
		if err != nil {
			return nil, err
		}
		return t.Values(), nil
	}
	honest := *r
	honest.Sizes = append([]uint64(nil), r.Sizes...)
	for i := range honest.Sizes {
		honest.Sizes[i] *= 2 // so that halves are whole
	}
	before, err := valued(&honest)
	if err != nil {
		return nil, err
	}
	var gains []float64
	for _, i := range players {
		split := honest
		split.Updates = append(append([][][]float32(nil), r.Updates...), r.Updates[i])
		split.Sizes = append(append([]uint64(nil), honest.Sizes...), honest.Sizes[i]/2)
		split.Sizes[i] /= 2
		after, err := valued(&split)
		if err != nil {
			return nil, err
		}
		gain, _ := new(big.Rat).Quo(new(big.Rat).Add(after[i], after[len(after)-1]), before[i]).Float64()
		gains = append(gains, gain)
	}
	return gains, nil
}

// mlpSetting is a perceptron 64-32-10 on digits.
func mlpSetting(name string, rate float64, steps, workers int) (setting, error) {
	train, val, err := images()
	return setting{
		name: name, steps: steps, train: train, val: val, class: train.y, workers: workers, key: 11,
		program: plainSGD(program.MLP(program.MLPConfig{Inputs: digits.Pixels, Hidden: []int{32}, Classes: digits.Classes, Activation: program.Tanh{}}), 32, rate),
	}, err
}

func (o Options) workers(long int) int {
	if o.Short {
		return 6
	}
	return long
}

// roundMLP repeats the study that settled the design: 12 workers on digits.
func roundMLP(ctx context.Context, o Options) ([]Row, error) {
	var all []Row
	for _, c := range []struct {
		name  string
		rate  float64
		steps int
		p     promises
	}{{"rate 0.5, 5 steps", 0.5, 5, promises{0.04, 0.02}}, {"rate 0.5, 20 steps", 0.5, 20, promises{}}, {"rate 1, 20 steps", 1, 20, promises{}}} {
		s, err := mlpSetting(c.name, c.rate, c.steps, o.workers(12))
		if err != nil {
			return nil, err
		}
		if o.Short {
			c.p = promises{}
		}
		rows, err := studyRound(ctx, s, o, c.p)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if c.p.second == 0 {
			continue
		}
		r, err := s.play(ctx, o)
		if err != nil {
			return nil, err
		}
		honest := []int{4, 5}
		if !o.Short {
			honest = []int{4, 5, 6, 7, 8, 9, 10}
		}
		gains, err := splitGains(ctx, o, r, honest)
		if err != nil {
			return nil, err
		}
		middle := median(gains)
		all = append(all, Row{Measure: c.name + ": gain of splitting one's rows in two, median and range of the honest workers", Promised: "1.000",
			Measured: fmt.Sprintf("%.4f (%.4f to %.4f)", middle, slices.Min(gains), slices.Max(gains)), Verdict: verdict(math.Abs(middle-1) <= 0.001)})
	}
	return all, nil
}

// roundCNN is the same study on convolutions.
func roundCNN(ctx context.Context, o Options) ([]Row, error) {
	train, val, err := images()
	if err != nil {
		return nil, err
	}
	return studyRound(ctx, setting{
		name: "rate 0.1, 5 steps", steps: 5, train: train, val: val, class: train.y, workers: o.workers(10), key: 12,
		program: plainSGD(program.CNN(program.CNNConfig{InChannels: 1, Height: digits.Side, Width: digits.Side, Channels: []int{8, 16}, Classes: digits.Classes}), 32, 0.1),
	}, o, promises{})
}

// roundTransformer is the same study on a decoder of one block that foretells the next of a sequence of grey levels.
func roundTransformer(ctx context.Context, o Options) ([]Row, error) {
	train, val, err := images()
	if err != nil {
		return nil, err
	}
	return studyRound(ctx, setting{
		name: "rate 0.1, 5 steps", warm: 20, steps: 5, train: sequences(train), val: sequences(val), class: train.y, workers: o.workers(10), key: 13,
		program: plainSGD(program.GPT(program.GPTConfig{Vocab: levels, Context: tokens, Width: 16, Layers: 1, Heads: 2}), 32, 0.1),
	}, o, promises{})
}

// renormalised is what averaging within a coalition does.
func renormalised(ctx context.Context, o Options) ([]Row, error) {
	s, err := mlpSetting("rate 0.5, 5 steps", 0.5, 5, o.workers(12))
	if err != nil {
		return nil, err
	}
	r, err := s.play(ctx, o)
	if err != nil {
		return nil, err
	}
	g, err := round.New(ctx, *r, round.Options{Device: o.Device, Renormalised: true})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	table, err := tabled(ctx, g)
	if err != nil {
		return nil, err
	}
	exact := floats(table.Values())
	mean, _ := spread(exact)
	rows := []Row{{Measure: "value of an update of zeros, share of the mean value", Promised: "published: 0.65 to 1.30",
		Measured: fmt.Sprintf("%.2f", exact[idler]/mean), Verdict: Reported}}
	n := len(exact)
	for _, e := range []shapley.Options{
		{Estimator: "stratified", Budget: 60 * n}, {Estimator: "antithetic", Budget: 30}, {Estimator: "permutation", Budget: 60}, {Estimator: "leverage", Budget: 30 * n},
	} {
		got, err := errorOf(ctx, table, e, o.repeats(20))
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{Measure: "median relative error of " + e.Estimator + ", 60n evaluations", Measured: fmt.Sprintf("%.3f", got), Verdict: Reported})
	}
	return rows, nil
}
