package kernelstest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/verifyd/verifyd/kernels/shim"
)

// inMain says that Main runs.
var inMain bool

// Main runs a package's tests, removes what Shim compiled for them, and returns the exit status.
func Main(m *testing.M) int {
	inMain = true
	code := m.Run()
	if err := shim.Discard(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Need skips the test on a machine without a tool, and fails it in CI, where $VERIFYD_CI is set.
func Need(t testing.TB, tool string) {
	t.Helper()
	_, err := exec.LookPath(tool)
	switch {
	case err == nil:
	case os.Getenv("VERIFYD_CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}
