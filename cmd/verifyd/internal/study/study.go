package study

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/verify/engine"
)

// Row is one measured promise.
type Row struct {
	Study    string `json:"study"`
	Measure  string `json:"measure"`
	Promised string `json:"promised"` // the figure to reach, or the published one; "" if there is none
	Measured string `json:"measured"`
	Verdict  Met    `json:"verdict"`
}

// Met says whether a promise is kept.
type Met string

// The verdicts. What has no promise is reported.
const (
	Kept     Met = "met"
	Missed   Met = "missed"
	Reported Met = "reported"
)

// verdict is Kept if ok.
func verdict(ok bool) Met {
	if ok {
		return Kept
	}
	return Missed
}

// Options choose what is studied.
type Options struct {
	Short    bool          // fewer repetitions and smaller games: a smoke run
	Only     []string      // names of studies; all if empty
	Device   engine.Device // this process' processor, on which models are trained too
	Progress func(done, total uint64)
}

// repeats is long, or a fifth of it in a short run.
func (o Options) repeats(long int) int {
	if o.Short {
		return max(2, long/5)
	}
	return long
}

// studies are all studies, in the order of the table.
var studies = []struct {
	name string
	run  func(ctx context.Context, o Options) ([]Row, error)
}{
	{"round-mlp", roundMLP}, {"round-cnn", roundCNN}, {"round-transformer", roundTransformer},
	{"renormalised", renormalised}, {"regression", regression}, {"coverage", coverage}, {"linear-head", linearHead},
	{"attacks", attacks},
	{"knn-digits", knnDigits}, {"knn-2dplanes", knnPlanes}, {"ranking", ranking},
}

// Names lists the studies.
func Names() []string {
	var names []string
	for _, s := range studies {
		names = append(names, s.name)
	}
	return names
}

// Run runs studies and returns their rows.
func Run(ctx context.Context, o Options) ([]Row, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("study: %.40q is unknown: want one of %v", name, Names())
		}
	}
	var all []Row
	for i, s := range studies {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.name) {
			continue
		}
		rows, err := s.run(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("study %s: %w", s.name, err)
		}
		for _, r := range rows {
			if r.Study == "" {
				r.Study = s.name
			}
			all = append(all, r)
		}
		if o.Progress != nil {
			o.Progress(uint64(i+1), uint64(len(studies)))
		}
	}
	return all, nil
}

// floats are rationals as float64, for errors that are reported and never hashed.
func floats(values []*big.Rat) []float64 {
	f := make([]float64, len(values))
	for i, v := range values {
		f[i], _ = v.Float64()
	}
	return f
}

// relative is |got - want| / |want|, Euclidean.
func relative(got, want []float64) float64 {
	d, n := 0.0, 0.0
	for i, w := range want {
		e := got[i] - w
		d, n = d+float64(e*e), n+float64(w*w)
	}
	return math.Sqrt(d / n)
}

// median of numbers.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// spread is the mean and the standard deviation.
func spread(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		sd += float64((v - mean) * (v - mean))
	}
	return mean, math.Sqrt(sd / float64(max(1, len(x)-1)))
}

// ranks are the places of numbers by size, from 0; equal ones share the mean of theirs.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	r := make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			r[i] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return r
}

// spearman is the correlation of ranks.
func spearman(a, b []float64) float64 {
	a, b = ranks(a), ranks(b)
	ma, sa := spread(a)
	mb, sb := spread(b)
	c := 0.0
	for i := range a {
		c += float64((a[i] - ma) * (b[i] - mb))
	}
	return c / float64(len(a)-1) / sa / sb
}
