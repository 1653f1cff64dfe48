package study

import (
	"context"
	"reflect"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestEveryStudyRunsAndSaysTheSameAgain(t *testing.T) {
	if testing.Short() {
		t.Log("with the race detector only the studies of neighbours are run")
	}
	cpu, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	o := Options{Short: true, Device: engine.NewCPU("cpu", cpu, cpu.Threads())}
	if testing.Short() {
		o.Only = []string{"knn-2dplanes"}
	}
	first, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range first {
		if r.Study == "" || r.Measure == "" || r.Measured == "" || r.Verdict == "" || (r.Verdict != Reported) != (r.Promised != "") && r.Verdict != Reported {
			t.Errorf("a row lacks something: %+v", r)
		}
		if r.Study == "coverage" && r.Verdict == Missed {
			t.Errorf("%s: %s", r.Measure, r.Measured)
		}
	}
	o.Only = []string{"coverage", "knn-2dplanes"}
	again, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, r := range first {
		if at < len(again) && r.Study == again[at].Study {
			if !reflect.DeepEqual(r, again[at]) {
				t.Errorf("%+v, at first %+v", again[at], r)
			}
			at++
		}
	}
	if !testing.Short() && at != len(again) {
		t.Errorf("%d rows of %d were compared", at, len(again))
	}
}

func TestMeasuresOfDetectionAreThoseOfTheirDefinition(t *testing.T) {
	values, flagged := []float64{1, 2, 2, 5, 0}, []bool{true, false, true, false, false}
	// Pairs of flagged and unflagged: 1<2, 1<5, 1>0; 2=2, 2<5, 2>0.
	if a := auroc(values, flagged); a != 3.5/6 {
		t.Errorf("AUROC %v, want %v", a, 3.5/6)
	}
	if f := f1(values, flagged); f != 0.5 {
		t.Errorf("F1 %v", f)
	}
	if _, err := Run(context.Background(), Options{Only: []string{"none"}}); err == nil {
		t.Error("an unknown study runs")
	}
}
