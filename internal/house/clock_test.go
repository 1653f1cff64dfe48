package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// timeless are the packages whose findings depend on no clock: a time is given to them.
var timeless = []string{"kernels/...", "verify/...", "shapley/...", "proofs/..."}

// clocked are the files there that read one nevertheless.
var clocked = map[string]string{
	"kernels/optest/perf.go":       "it measures speed, and is a suite of tests",
	"verify/trace/disk.go":         "how seldom files are brought onto the disk, which shows in none of them",
	"proofs/ledgers/sql/ledger.go": "the ledger's own clock, unless the caller has one",
}

// clocks are the places in a file that read the clock, or pass it on: the selectors of package time that do.
func clocks(tree *ast.File) (found []string) {
	name := ""
	for _, i := range tree.Imports {
		if path, err := strconv.Unquote(i.Path.Value); err == nil && path == "time" {
			name = "time"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	if name == "." {
		return []string{"import . time"}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == name && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
			found = append(found, "time."+s.Sel.Name)
		}
		return true
	})
	return found
}

func TestNobodyBelowThePoolReadsAClock(t *testing.T) {
	files, _ := read(t)
	met := map[string]bool{}
	for _, f := range files {
		found := clocks(f.tree)
		if len(found) == 0 || !matches(timeless, f.folder) {
			continue
		}
		place := f.folder + "/" + f.name
		met[place] = true
		if clocked[place] == "" {
			t.Errorf("%s: %v", place, found)
		}
	}
	for place := range clocked {
		if !met[place] {
			t.Errorf("%s reads no clock", place)
		}
	}
}

func TestAClockIsFound(t *testing.T) {
	for text, want := range map[string]int{
		`import "time"; var x = time.Now()`:                                               1,
		`import "time"; var clock = time.Now`:                                             1,
		`import "time"; func f(t time.Time) any { return time.Since(t) - time.Until(t) }`: 2,
		`import clock "time"; var x = clock.Now()`:                                        1,
		`import . "time"; var x = Now()`:                                                  1,
		`import "time"; var x = time.Unix(0, 0)`:                                          0,
		`import "other/time"; var x = time.Now()`:                                         0,
		`type c struct{}; func (c) Now() int { return 0 }; var x = c{}.Now()`:             0,
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), "f.go", "package f; "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := clocks(tree); len(got) != want {
			t.Errorf("%s: %v, want %d", text, got, want)
		}
	}
}
