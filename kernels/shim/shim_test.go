package shim_test

import (
	"os"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/shim"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// compiled is the program of all kernels. Without g++ the test is skipped, or fails in CI.
func compiled(t *testing.T) *shim.Program {
	t.Helper()
	kernelstest.Need(t, shim.Compiler)
	p, err := shim.Shared()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// started runs the program.
func started(t *testing.T, p *shim.Program, descending bool) *shim.Shim {
	t.Helper()
	s, err := p.Start(t.Context(), descending)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEveryKernelGivesTheBytesOfTheReferenceInBothOrdersOfThreads(t *testing.T) {
	optest.Test(t, kernelstest.Shim(t, kernelstest.Ascending), kernelstest.Shim(t, kernelstest.Descending))
}

// Which tile a product takes and where K is cut is a matter of speed alone.
func TestNoCutOfAProductShows(t *testing.T) {
	for i := range kernelstest.Variants {
		optest.TestShort(t, 5, kernelstest.Variant(kernelstest.Shim(t, kernelstest.Orders[i%2]), i))
	}
}
