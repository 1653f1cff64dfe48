package interpreter_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/ptx/interpreter"
)

func machine(t *testing.T, skew int) *interpreter.Machine {
	t.Helper()
	m, err := interpreter.Shipped(skew)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheShippedPTXGivesTheBytesOfTheReference(t *testing.T) {
	m := machine(t, 0)
	if testing.Short() {
		optest.TestShort(t, 9, m)
	} else {
		optest.Test(t, m)
	}
	t.Logf("%d million instructions", m.Steps()/1e6)
}

func TestTheAlignmentOfBuffersNeverShows(t *testing.T) {
	optest.TestShort(t, 7, machine(t, 1), machine(t, 2))
}

// Which tile a product takes and where K is cut is a matter of speed alone.
func TestNoCutOfAProductShows(t *testing.T) {
	h := kernelstest.Interpreter(t)
	for i := range kernelstest.Variants {
		optest.TestShort(t, 9, kernelstest.Variant(h, i))
	}
}
