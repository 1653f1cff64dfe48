package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// places are the tests of the tree, of Go, Solidity and scripts, by their names: the folders that have them.
func places(t *testing.T) map[string][]string {
	t.Helper()
	defined := regexp.MustCompile(`func(?:tion)? ((?:Test|Fuzz|Benchmark|test|invariant)\w+)\(`)
	have := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"build", "out", ".git", "node_modules"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".t.sol") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range defined.FindAllSubmatch(text, -1) {
				have[string(m[1])] = append(have[string(m[1])], folder)
			}
		}
		have[filepath.Base(path)] = append(have[filepath.Base(path)], folder)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// tests are the names of tests and scripts in a text.
var tests = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+|\btestFuzz_\w+|\binvariant_\w+|\b[a-z-]+\.txt\b`)

// TestEveryTestInTheCatalogueOfAttacksIsThere holds docs/attacks.md to the tests of the tree.
func TestEveryTestInTheCatalogueOfAttacksIsThere(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/attacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	have := places(t)
	named := tests.FindAllString(string(page), -1)
	if len(named) < 60 {
		t.Errorf("the catalogue names %d tests", len(named))
	}
	for _, name := range named {
		if have[name] == nil && name != "TestX" && name != "TestScripts" {
			t.Errorf("docs/attacks.md names %s, which is not there", name)
		}
	}
}
