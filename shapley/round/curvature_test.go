package round_test

import (
	"math"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

func TestAnUpdateAlongNegativeCurvatureIsWorthMuchToTheClosedFormAndNothingToTheGame(t *testing.T) {
	r := small(t, 5)
	o := round.Options{Device: device}
	down, err := round.Downward(t.Context(), r, o, shapley.Seed{3}, 30)
	if err != nil {
		t.Fatal(err)
	}
	length := 0.0
	for _, p := range down.Direction {
		for _, v := range p {
			length += float64(v) * float64(v)
		}
	}
	if down.Bend >= 0 || math.Abs(length-1) > 1e-5 {
		t.Fatalf("bend %v along a direction of length %v", down.Bend, math.Sqrt(length))
	}
	for _, p := range down.Direction {
		for e := range p {
			p[e] *= 200
		}
	}
	r.Updates[2] = down.Direction
	second, err := round.SecondOrder(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	g := newGame(t, r, o)
	exact, err := shapley.Estimate(t.Context(), g, shapley.Options{Estimator: "exact"})
	if err != nil {
		t.Fatal(err)
	}
	truth := exact.Fixed()[2].Int64()
	t.Logf("bend %v, closed %d, exact %d", down.Bend, second.Values[2], truth)
	if second.Values[2] < 10*shapley.Unit || truth > shapley.Unit/10 {
		t.Errorf("closed %d, exact %d", second.Values[2], truth)
	}
	gap, err := second.Gap(t.Context(), g)
	if err != nil || gap > -second.Values[2]/2 {
		t.Errorf("the gap is %d: %v", gap, err)
	}
	other, err := round.Downward(t.Context(), small(t, 5), round.Options{Device: shapleytest.CPU(kernels.Options{ISA: kernels.Generic, Threads: 1})}, shapley.Seed{3}, 30)
	if err != nil || other.Bend != down.Bend {
		t.Errorf("bend %v on another code path, %v: %v", other.Bend, down.Bend, err)
	}
}
