package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTheCommandsOfTheProofsReadmeRun runs every verifyd command in the README
// of proofs/, in the folder that it speaks of.
func TestTheCommandsOfTheProofsReadmeRun(t *testing.T) {
	text, err := os.ReadFile("../../proofs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var script []string
	code := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "```") {
			code = line == "```sh\n"
		}
		if args, ok := strings.CutPrefix(line, "verifyd "); ok && code {
			script = append(script, "exits 0 "+args+"stdout .")
		}
	}
	if len(script) < 3 {
		t.Fatalf("only %d commands found", len(script))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "proofs-readme.txt"), []byte(strings.Join(script, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			return os.CopyFS(env.WorkDir, os.DirFS("../../proofs/testdata/example"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}
