package shim_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/optest"
)

// The shapes of the conformance suite's digests are drawn, its own are chosen.
func TestDrawnShapesGiveTheDigestsOfTheReference(t *testing.T) {
	const runs = 40
	cpu, err := kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	want, err := optest.Digests(optest.CPU(cpu), runs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := optest.Digests(started(t, compiled(t), true), runs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: %d drawn cases give %x, want %x", want[i].Operator, runs, got[i].Sum, want[i].Sum)
		}
	}
}
