package shim

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

// built is the program of all kernels, compiled once for all tests.
var (
	built   *Program
	program = sync.OnceValues(func() (p *Program, err error) {
		built, err = Compile(context.Background(), "..")
		return built, err
	})
)

func TestMain(m *testing.M) {
	code := m.Run()
	if built != nil {
		if err := built.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// compiled is the program of all kernels. Without g++ the test is skipped, or fails in CI.
func compiled(t *testing.T) *Program {
	t.Helper()
	if _, err := exec.LookPath(Compiler); err != nil {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	p, err := program()
	if err != nil {
		t.Fatal(err)
	}
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

// Which tile a product takes and where K is cut is a matter of speed alone.
func TestNoCutOfAProductShows(t *testing.T) {
	p := compiled(t)
	for i := range 6 {
		s := started(t, p, i%2 == 1)
		s.Plan = variant(i)
		optest.TestShort(t, 5, s)
	}
}

// variant is the plan of a product that is the i-th of launch.Variants; other operators are declined.
func variant(i int) func(kernels.Operator) (launch.Plan, error) {
	return func(op kernels.Operator) (launch.Plan, error) {
		all, err := launch.Variants(op)
		if err != nil || len(all) == 1 {
			return launch.Plan{}, launch.ErrUnsupported
		}
		return all[i%len(all)], nil
	}
}
