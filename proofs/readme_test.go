package proofs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// A snippet is a block of README.md and what it should print.
type snippet struct {
	language, code, output string
	line                   int
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?")

func readSnippets(t *testing.T) (all []snippet) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllSubmatchIndex(text, -1) {
		s := snippet{language: string(text[m[2]:m[3]]), code: string(text[m[4]:m[5]]), line: 1 + strings.Count(string(text[:m[0]]), "\n")}
		if m[6] >= 0 {
			s.output = string(text[m[6]:m[7]])
		}
		all = append(all, s)
	}
	return all
}

// TestEverySnippetOfTheReadmeRuns runs the programs of README.md as an
// integrator would who pastes them. Those that call verifyd are run by the
// tests of the command.
func TestEverySnippetOfTheReadmeRuns(t *testing.T) {
	seen := make(map[string]int)
	for _, s := range readSnippets(t) {
		if strings.HasPrefix(s.code, "verifyd ") || s.language == "text" {
			continue
		}
		seen[s.language]++
		t.Run(fmt.Sprintf("line %d", s.line), func(t *testing.T) {
			dir := t.TempDir()
			here := filepath.Join(dir, "example")
			if err := os.CopyFS(here, os.DirFS("testdata/example")); err != nil {
				t.Fatal(err)
			}
			checker, err := os.ReadFile("testdata/check.py")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "check.py"), checker, 0o600); err != nil {
				t.Fatal(err)
			}
			var cmd *exec.Cmd
			switch s.language {
			case "go":
				cmd = exec.Command(buildProgram(t, dir, s.code))
			case "python":
				cmd = exec.Command(proofs.NeedTool(t, "python3"), "-c", s.code)
			case "sh":
				proofs.NeedTool(t, "python3")
				proofs.NeedTool(t, "openssl")
				cmd = exec.Command("sh", "-ec", s.code)
			default:
				t.Fatalf("nobody runs %s", s.language)
			}
			cmd.Dir = here
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if string(out) != s.output {
				t.Errorf("prints\n%swant\n%s", out, s.output)
			}
		})
	}
	if seen["go"] < 3 || seen["python"] < 1 || seen["sh"] < 2 {
		t.Errorf("README.md has snippets %v", seen)
	}
}

// buildProgram compiles a program against this module.
func buildProgram(t *testing.T, dir, code string) string {
	t.Helper()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
