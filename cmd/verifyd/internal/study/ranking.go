package study

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/retrain"
)

// ranking compares ways to value rows by how well they find flipped labels, as OpenDataVal does: digits, logistic
// models.
func ranking(ctx context.Context, o Options) ([]Row, error) {
	x, y, err := digits.Load()
	if err != nil {
		return nil, err
	}
	train, val := 200, 200
	scores := map[string][]float64{}
	names := []string{"Data-OOB, 1000 learners", "KNN, K 10", "Data Shapley, 10 pairs", "Data Shapley, truncated, 10 orders", "Beta(16,1), 20 orders", "Banzhaf, 1000 coalitions", "leave one out", "random"}
	for seed := range o.repeats(5) {
		s := &source{key: uint32(seed), name: 6}
		order := s.shuffled(digits.Count)
		pick := func(rows []int) (f []float32, l []int32) {
			for _, r := range rows {
				f, l = append(f, x[r*digits.Pixels:(r+1)*digits.Pixels]...), append(l, y[r])
			}
			return f, l
		}
		d := retrain.Data{Width: digits.Pixels}
		d.Train, d.Labels = pick(order[:train])
		d.Validation, d.ValidationLabels = pick(order[train : train+val])
		flagged := flip(d.Labels, digits.Classes, 0.2, s)
		values, err := ranked(ctx, d, shapley.Seed{byte(seed), 0x7a}, o)
		if err != nil {
			return nil, err
		}
		random := make([]float64, train)
		for i := range random {
			random[i] = s.uniform()
		}
		values["random"] = random
		for name, v := range values {
			scores[name] = append(scores[name], f1(v, flagged))
		}
	}
	var rows []Row
	mean := map[string]float64{}
	for _, name := range names {
		m, sd := spread(scores[name])
		mean[name] = m
		rows = append(rows, Row{Measure: "F1 of finding 20 % flipped labels: " + name, Measured: fmt.Sprintf("%.3f +- %.3f", m, sd), Verdict: Reported})
	}
	best, middle, low := min(mean[names[0]], mean[names[1]]), max(mean[names[2]], mean[names[4]]), max(mean[names[5]], mean[names[7]])
	return append(rows, Row{Measure: "order of the methods", Promised: "published for OpenDataVal: Data-OOB, KNN > Shapley, Beta > Banzhaf, random",
		Measured: fmt.Sprintf("%.3f > %.3f > %.3f", best, middle, low), Verdict: verdict(best > middle && middle > low)}), nil
}

// ranked is the values of every method that needs no luck.
func ranked(ctx context.Context, d retrain.Data, seed shapley.Seed, o Options) (map[string][]float64, error) {
	g, err := retrain.New(ctx, d, retrain.Options{Device: o.Device})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	all := map[string][]float64{}
	oob, _, err := g.OutOfBag(ctx, o.repeats(1000), seed) // with so many learners no row is in every bag
	if err != nil {
		return nil, err
	}
	all["Data-OOB, 1000 learners"] = floats(oob)
	if all["KNN, K 10"], err = knnValues(ctx, o, knn.Data{Width: d.Width, Train: d.Train, TrainLabels: d.Labels, Test: d.Validation, TestLabels: d.ValidationLabels}, 10); err != nil {
		return nil, err
	}
	for name, e := range map[string]shapley.Options{
		"Data Shapley, 10 pairs":             {Estimator: "antithetic", Budget: o.repeats(10)},
		"Data Shapley, truncated, 10 orders": {Estimator: "truncated", Budget: o.repeats(10), Tolerance: shapley.Unit / 100},
		"Beta(16,1), 20 orders":              {Estimator: "beta", Budget: o.repeats(20), Alpha: 16, Beta: 1},
		"Banzhaf, 1000 coalitions":           {Estimator: "banzhaf", Budget: o.repeats(1000)},
		"leave one out":                      {Estimator: "loo"},
	} {
		e.Seed = seed
		r, err := shapley.Estimate(ctx, g, e)
		if err != nil {
			return nil, err
		}
		v := make([]float64, len(r.Values))
		for i := range v {
			v[i], _ = r.Values[i].Rat().Float64()
		}
		all[name] = v
	}
	return all, nil
}
