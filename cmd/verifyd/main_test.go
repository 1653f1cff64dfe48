package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/cli"
)

// isVerifyd has, in the environment, this program be the command.
const isVerifyd = "VERIFYD_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(isVerifyd) != "" {
		os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){
		"verifyd": func() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) },
		"answers": func() { os.Exit(answers(os.Args[1:], os.Stdin, os.Stdout)) },
	})
}

// TestScripts runs each page of testdata/script: a command, its output, its
// exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               fixtures,
		Condition: func(name string) (bool, error) {
			if name == "gpu" {
				return canHaveGPU()
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"driver":  driver,
			"gpu":     paperGPU,
			"serves":  serves,
			"witness": witness,
		},
	})
}

// exits runs verifyd and demands an exit code: exits CODE ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	err := ts.Exec("verifyd", args[1:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("running verifyd: %v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
