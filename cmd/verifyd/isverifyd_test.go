package main

import (
	"os"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/cli"
)

// TestIsVerifyd is a verifyd that waits for its parent, where another test starts it as one.
func TestIsVerifyd(t *testing.T) {
	if os.Getenv("VERIFYD_TEST_PARENT") == "" {
		return
	}
	parent := os.Args[len(os.Args)-1]
	os.Exit(cli.Main([]string{"value", "utility", "--pipe", "--patience", "0", "--estimator", "exact", "--parent", parent}, os.Stdout, os.Stderr))
}
