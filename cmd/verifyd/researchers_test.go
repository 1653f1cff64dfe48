package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write into docs/researchers.md what its commands print, and their charts")

// session is a block of commands and what they print.
var session = regexp.MustCompile("(?s)```console\n(.*?)```\n")

// TestThePageForResearchersSaysWhatItsCommandsPrint runs the commands of docs/researchers.md in one folder with the files of
// examples/researchers, compares what they print, where a line of three points stands for any others, and the charts
// that they draw with those beside the page.
func TestThePageForResearchersSaysWhatItsCommandsPrint(t *testing.T) {
	const page, charts = "../../docs/researchers.md", "../../docs/charts"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/researchers")); err != nil {
		t.Fatal(err)
	}
	commands := 0
	renewed := session.ReplaceAllStringFunc(string(text), func(block string) string {
		var all strings.Builder
		for _, part := range strings.Split(session.FindStringSubmatch(block)[1], "$ ")[1:] {
			commands++
			command, said := part, ""
			for rest := part; ; { // a command goes on behind a backslash
				line, after, _ := strings.Cut(rest, "\n")
				rest = after
				if !strings.HasSuffix(line, `\`) {
					command, said = strings.TrimSuffix(part, rest), rest
					break
				}
			}
			run := exec.Command("sh", "-c", command)
			run.Dir = dir
			got, err := run.CombinedOutput()
			if err != nil {
				t.Errorf("%s%s%v", command, got, err)
			}
			if *update {
				said = folded(string(got), said)
			} else if !matches(string(got), said) {
				t.Errorf("%sprinted\n%s\nand the page says\n%s", command, got, said)
			}
			all.WriteString("$ " + command + said)
		}
		return "```console\n" + all.String() + "```\n"
	})
	if commands < 5 {
		t.Errorf("only %d commands found", commands)
	}
	if *update {
		if err := os.WriteFile(page, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	drawn, err := filepath.Glob(filepath.Join(charts, "*.svg"))
	if err != nil || len(drawn) < 3 && !*update {
		t.Fatalf("%d charts beside the page: %v", len(drawn), err)
	}
	for _, m := range regexp.MustCompile(`\(charts/([a-z]+\.svg)\)`).FindAllStringSubmatch(string(text), -1) {
		got, err := os.ReadFile(filepath.Join(dir, m[1]))
		if err != nil {
			t.Errorf("no command draws %s: %v", m[1], err)
			continue
		}
		if *update {
			err = os.WriteFile(filepath.Join(charts, m[1]), got, 0o644)
		}
		if want, readErr := os.ReadFile(filepath.Join(charts, m[1])); err != nil || readErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another chart than the command draws (-update): %v %v", m[1], err, readErr)
		}
	}
}

// matches says whether lines are those of a page, on which a line of three points stands for any.
func matches(got, page string) bool {
	pattern := regexp.QuoteMeta(page)
	pattern = strings.ReplaceAll(pattern, "\\.\\.\\.\n", "(?:.*\n)*?")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

// folded is what a command printed, with three points where the page had them: it keeps as many lines as the page had
// before and behind them. All of it, where the page had nothing.
func folded(got, page string) string {
	head, tail, found := strings.Cut(page, "...\n")
	if !found {
		return got
	}
	lines := strings.SplitAfter(strings.TrimSuffix(got, "\n"), "\n")
	before, behind := strings.Count(head, "\n"), strings.Count(tail, "\n")
	if before+behind >= len(lines) {
		return got
	}
	end := strings.Join(lines[len(lines)-behind:], "")
	if behind > 0 {
		end += "\n"
	}
	return strings.Join(lines[:before], "") + "...\n" + end
}
