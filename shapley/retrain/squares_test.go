package retrain_test

import (
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/retrain"
)

// line is three rows on a line, judged by themselves.
func line(scale float32) retrain.Data {
	y := []float32{scale, 2 * scale, 3 * scale}
	return retrain.Data{Width: 1, Train: []float32{1, 2, 3}, Validation: []float32{1, 2, 3}, Targets: y, ValidationTargets: y}
}

func TestNoSquaredErrorIsClipped(t *testing.T) {
	all := []shapley.Coalition{{0b111}, {0b001}, {0b110}}
	one := utilities(t, game(t, line(1), retrain.Options{Device: device}), all)
	for _, scale := range []float32{10, 100, 1000} {
		got := utilities(t, game(t, line(scale), retrain.Options{Device: device}), all)
		for k, u := range got {
			want := float64(one[k]) * float64(scale) * float64(scale)
			if math.Abs(float64(u)-want) > 1e-5*math.Abs(want) {
				t.Errorf("targets times %v: utility %d, want %.0f", scale, u, want)
			}
		}
	}
}

func TestTargetsBeyondTheScaleAreRefusedBeforeAnyValueAndNamed(t *testing.T) {
	for want, change := range map[string]func(d *retrain.Data){
		"training row 1: utility overflows the scale: 250000 is outside -65536 to 65536": func(d *retrain.Data) { d.Targets = []float32{1, 250000, 2} },
		"validation row 2: utility overflows the scale: -70000 is outside":               func(d *retrain.Data) { d.ValidationTargets = []float32{1, 2, -70000} },
		"the largest is 9000 of validation row 1":                                        func(d *retrain.Data) { d.ValidationTargets = []float32{1, 9000, 2} },
		"Give them in a larger unit: values are in its square":                           func(d *retrain.Data) { d.ValidationTargets = []float32{1, 9000, 2} },
		"targets: training row 0: utility overflows the scale: NaN is outside":           func(d *retrain.Data) { d.Targets = []float32{float32(math.NaN()), 1, 2} },
		"utility overflows the scale: their mean square is 2.7e+07 an":                   func(d *retrain.Data) { d.ValidationTargets = []float32{1, 9000, 2} },
	} {
		d := line(1)
		change(&d)
		if _, err := retrain.New(t.Context(), d, retrain.Options{Device: device}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	// A model that nobody could foresee is an error of its coalition and row.
	d := line(20000)
	d.ValidationTargets, d.Validation = []float32{1, 2, 3}, []float32{1, 2, 90}
	err := game(t, d, retrain.Options{Device: device}).Utilities(t.Context(), []shapley.Coalition{{0b111}}, make([]int64, 1))
	if err == nil || !strings.Contains(err.Error(), "coalition 0, of 3 players: validation row 2, predicted as") {
		t.Errorf("error %v", err)
	}
}
