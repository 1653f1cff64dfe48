package cli

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestMain refuses to be the process that holds a GPU: a command under test that looked for one would start this
// program, and with it every test, again and again.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "gpu-child") {
		fmt.Fprintln(os.Stderr, "tests hold no GPU")
		os.Exit(1)
	}
	os.Exit(m.Run())
}
