package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the commands print into docs/odds.md")

// TestThePageOnOddsShowsWhatTheCommandsPrint runs the commands of docs/odds.md and compares each block with its output.
func TestThePageOnOddsShowsWhatTheCommandsPrint(t *testing.T) {
	path, err := filepath.Abs("../../../../docs/odds.md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	shown := 0
	blocks := regexp.MustCompile("(?s)```\n(\\$ verifyd .*?)```\n")
	got := blocks.ReplaceAllStringFunc(string(page), func(block string) string {
		var out bytes.Buffer
		for _, line := range strings.Split(block, "\n") {
			args, command := strings.CutPrefix(line, "$ verifyd ")
			if !command {
				continue
			}
			shown++
			out.WriteString(line + "\n")
			var printed, stderr bytes.Buffer
			if code := Main(strings.Fields(args), &printed, &stderr); code != exitOK {
				t.Fatalf("%s: exit code %d: %s", line, code, &stderr)
			}
			for text := range strings.Lines(printed.String()) {
				out.WriteString(strings.TrimRight(text, " \n") + "\n")
			}
		}
		return "```\n" + out.String() + "```\n"
	})
	if shown < 5 {
		t.Errorf("%d commands, want five", shown)
	}
	if got == string(page) {
		return
	}
	if !*update {
		t.Fatalf("docs/odds.md shows something else; go test ./cmd/verifyd/internal/cli -run Odds -update writes it anew:\n%s", got)
	}
	if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
}
