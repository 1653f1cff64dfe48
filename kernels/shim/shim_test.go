package shim

import (
	"os"
	"os/exec"
	"testing"

	"github.com/verifyd/verifyd/kernels/optest"
)

// compiled is the program of all kernels. Without g++ the test is skipped, or fails in CI.
func compiled(t *testing.T) *Program {
	t.Helper()
	if _, err := exec.LookPath(Compiler); err != nil {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	p, err := Compile(t.Context(), "..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Remove(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// started runs the program.
func started(t *testing.T, p *Program, descending bool) *Shim {
	t.Helper()
	s, err := p.Start(t.Context(), descending)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEveryKernelGivesTheBytesOfTheReferenceInBothOrdersOfThreads(t *testing.T) {
	p := compiled(t)
	optest.Test(t, started(t, p, false), started(t, p, true))
}
