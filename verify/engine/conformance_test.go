package engine_test

import (
	"flag"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// How far the trainings of package enginetest are followed with the kernels on the CPU. The defaults are what
// every change can wait for.
var (
	steps = flag.Uint64("steps", 5, "steps of the small trainings under the shim (300 take two minutes)")
	large = flag.Uint64("large", 1, "steps of the large trainings under the shim (each takes ten seconds)")
	whole = flag.Uint64("models", 0, "steps of the models under the shim (each takes some minutes)")
)

func TestTheKernelsTrainAsTheCPUDoes(t *testing.T) {
	for _, order := range kernelstest.Orders {
		d := underShim(t, order)
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			enginetest.Test(t, d, *steps)
		})
	}
}

func TestTheKernelsTrainLargerModelsAsTheCPUDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("one step takes seconds")
	}
	t.Parallel()
	enginetest.TestLarge(t, underShim(t, kernelstest.Descending), *large)
	if *whole > 0 {
		enginetest.TestModels(t, underShim(t, kernelstest.Ascending), *whole)
	}
}

func TestTheShippedPTXTrainsAsTheCPUDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("the interpreter is slow where races are looked for")
	}
	t.Parallel()
	enginetest.Test(t, asPTX(t), 1)
}
