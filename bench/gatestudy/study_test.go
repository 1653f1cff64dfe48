package gatestudy_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/bench/gatestudy"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestTheStudyHasARowForEachSettingAndFindsTheFirstHonestSegmentsInside(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	d := engine.NewCPU("cpu", cpu, 1)
	all, err := gatestudy.Settings(8, "")
	if err != nil {
		t.Fatal(err)
	}
	var honest, states, shares bytes.Buffer
	if err := gatestudy.Honest(t.Context(), d, all, 1, &honest); err != nil {
		t.Fatal(err)
	}
	if err := gatestudy.States(t.Context(), d, all[:1], &states); err != nil {
		t.Fatal(err)
	}
	if err := gatestudy.Shares(t.Context(), d, all[:1], &shares); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !strings.Contains(honest.String(), "| "+s.Name+" | 8 | 0 map[] |") {
			t.Errorf("%s: %s", s.Name, &honest)
		}
	}
	if n := strings.Count(states.String(), "\n"); n < 2+3*8 || !strings.Contains(states.String(), "| all zeros | 0 | 0.00, 0.00 | 1 | 0.000") {
		t.Errorf("%d lines of states: %s", n, &states)
	}
	if n := strings.Count(shares.String(), "\n"); n != 2+4 {
		t.Errorf("%d lines of shares: %s", n, &shares)
	}
}
