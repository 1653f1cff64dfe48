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

// TestEveryTestInTheCatalogueOfAttacksIsThere holds docs/attacks.md to the tests of the tree, of Go, Solidity and scripts.
func TestEveryTestInTheCatalogueOfAttacksIsThere(t *testing.T) {
	page, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	defined := regexp.MustCompile(`func(?:tion)? ((?:Test|Fuzz|Benchmark|test|invariant)\w+)\(`)
	have := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"build", "out", ".git", "node_modules"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".t.sol") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range defined.FindAllSubmatch(text, -1) {
				have[string(m[1])] = true
			}
		}
		have[filepath.Base(path)] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+|\btestFuzz_\w+|\binvariant_\w+|\b[a-z-]+\.txt\b`).FindAllString(string(page), -1)
	if len(named) < 60 {
		t.Errorf("the catalogue names %d tests", len(named))
	}
	for _, name := range named {
		if !have[name] && name != "TestX" && name != "TestScripts" {
			t.Errorf("docs/attacks.md names %s, which is not there", name)
		}
	}
}
