package round_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
)

// million is a round of 32 updates of 0.94 million parameters with 1,000 validation rows.
func million(b *testing.B) round.Round {
	b.Helper()
	p := roundtest.MLP(784, 10, 32, 0.1, 896, 256)
	base, err := roundtest.Start(p, 1)
	if err != nil {
		b.Fatal(err)
	}
	v := roundtest.Digits(1000, 784, 10, 2, 1)
	r := round.Round{Program: p, Base: base, X: kernels.Buf{F: v.X}, Y: kernels.Buf{I: v.Y}}
	for i := range 32 {
		u, err := roundtest.Start(p, uint64(i+2))
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range u {
			for e := range t {
				t[e] *= 0.1
			}
		}
		r.Updates, r.Sizes = append(r.Updates, u), append(r.Sizes, uint64(100+i))
	}
	return r
}

func BenchmarkSecondOrder(b *testing.B) {
	r := million(b)
	for b.Loop() {
		if _, err := round.SecondOrder(b.Context(), r, round.Options{Device: device}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	r := million(b)
	for b.Loop() {
		g, err := round.New(b.Context(), r, round.Options{Device: device})
		if err != nil {
			b.Fatal(err)
		}
		g.Close()
	}
}

// BenchmarkAntitheticPair evaluates the 62 coalitions along a permutation and its reverse.
func BenchmarkAntitheticPair(b *testing.B) {
	r := million(b)
	var walk []shapley.Coalition
	for first := range 2 {
		c := shapley.NewCoalition(32)
		for k := range 31 {
			c.Add((first*31 + (1-2*first)*k) * 13 % 32)
			walk = append(walk, c.Clone())
		}
	}
	for name, o := range map[string]round.Options{"shared": {Device: device}, "direct": {Device: device, Direct: true}} {
		b.Run(name, func(b *testing.B) {
			g, err := round.New(b.Context(), r, o)
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			out := make([]int64, len(walk))
			for b.Loop() {
				if err := g.Utilities(b.Context(), walk, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
