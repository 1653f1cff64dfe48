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

// places are the tests of the tree, of Go, Solidity, Python and scripts, by their names: the folders that have them.
func places(t *testing.T) map[string][]string {
	t.Helper()
	defined := regexp.MustCompile(`(?:func(?:tion)?|def) ((?:Test|Fuzz|Benchmark|test|invariant)\w+)\(`)
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
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".t.sol") || strings.HasPrefix(d.Name(), "test_") {
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

// tests are the names of tests and scripts in a text, with the package that it says they are of.
var tests = regexp.MustCompile(`(?:([\w/]+)\.)?\b((?:Test|Fuzz)[A-Z]\w+|testFuzz_\w+|test_\w+|invariant_\w+|[a-z-]+\.txt\b)`)

// catalogue is docs/attacks.md.
func catalogue(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs/attacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestEveryTestInTheCatalogueOfAttacksIsThere holds docs/attacks.md to the tests of the tree: each is named as package.TestX, and is in a
// folder of that name.
func TestEveryTestInTheCatalogueOfAttacksIsThere(t *testing.T) {
	have := places(t)
	named := tests.FindAllStringSubmatch(catalogue(t), -1)
	if len(named) < 60 {
		t.Errorf("the catalogue names %d tests", len(named))
	}
	for _, m := range named {
		folder, name := m[1], m[2]
		if name == "TestX" || name == "TestScripts" {
			continue
		}
		if have[name] == nil {
			t.Errorf("docs/attacks.md names %s, which is not there", name)
			continue
		}
		in := func(place string) bool { return place == folder || strings.HasSuffix(place, "/"+folder) }
		if !strings.HasSuffix(name, ".txt") && !slices.ContainsFunc(have[name], in) {
			t.Errorf("docs/attacks.md names %s of %q, which is in %v", name, folder, have[name])
		}
	}
}

// runs are the patterns of tests in commands.
var runs = regexp.MustCompile(`-run \S+`)

// TestEveryTestThatAPageNamesIsThere holds all other pages to the tests of the tree: those that are named alone, and with their package.
func TestEveryTestThatAPageNamesIsThere(t *testing.T) {
	have, named := places(t), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"build", "out", ".git", "node_modules"}, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range tests.FindAllStringSubmatch(runs.ReplaceAllString(string(page), ""), -1) {
			folder, name := m[1], m[2]
			if strings.HasSuffix(name, ".txt") || name == "TestX" {
				continue
			}
			named++
			if !slices.ContainsFunc(have[name], func(place string) bool { return folder == "" || strings.HasSuffix("/"+place, "/"+folder) }) {
				t.Errorf("%s names %s of %q, which is not there", path, name, folder)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if named < 200 {
		t.Errorf("the pages name %d tests", named)
	}
}

// TestEveryRowOfTheCatalogueHasFiveCellsAndEverySectionTheLineThatRunsIt holds docs/attacks.md to its form.
func TestEveryRowOfTheCatalogueHasFiveCellsAndEverySectionTheLineThatRunsIt(t *testing.T) {
	for _, section := range strings.Split(catalogue(t), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		_, table, found := strings.Cut(text, "| position | attack | what holds | test | odds or cost |\n")
		if !found {
			continue
		}
		if !strings.Contains(text, `make attacks SECTION="`+title+`"`) {
			t.Errorf("docs/attacks.md, %s: no line that runs its tests", title)
		}
		for row := range strings.Lines(table) {
			if !strings.HasPrefix(row, "|") {
				break
			}
			if cells := strings.Split(strings.Trim(row, "|\n"), "|"); len(cells) != 5 || strings.TrimSpace(cells[3]) == "" {
				t.Errorf("docs/attacks.md, %s: a row of %d cells: %s", title, len(cells), row)
			}
		}
	}
}
