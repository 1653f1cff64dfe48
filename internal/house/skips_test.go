package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// skipping are the functions that skip a test for another reason than a missing tool or -short.
var skipping = map[string]string{
	"cgo/gpu_process_test.go TestGPUPart": "a part of other tests, which run it in a process of its own",
}

// skips are the functions of a file that skip a test and neither fail it instead with $VERIFYD_CI nor ask for -short.
func skips(tree *ast.File) (wrong []string) {
	for _, decl := range tree.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		skipped, inCI, fails, short := false, false, false, false
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				inCI = inCI || n.Value == `"VERIFYD_CI"`
			case *ast.CallExpr:
				s, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok {
					skipped = skipped || slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name)
					fails = fails || strings.HasPrefix(s.Sel.Name, "Fatal")
					short = short || x.Name == "testing" && s.Sel.Name == "Short"
				}
			}
			return true
		})
		if skipped && !short && !(inCI && fails) {
			wrong = append(wrong, f.Name.Name)
		}
	}
	return wrong
}

// TestNoTestIsSkippedInTheGate holds what skips a test to the gate's $VERIFYD_CI, with which a missing tool fails it.
// Besides, -short may leave a test out: only make race gives that, and make test runs the same packages in full.
func TestNoTestIsSkippedInTheGate(t *testing.T) {
	met := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"build", "out", ".git", "node_modules"}, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, f := range skips(tree) {
			place := strings.TrimPrefix(filepath.ToSlash(path), root+"/") + " " + f
			met[place] = true
			if skipping[place] == "" {
				t.Errorf("%s skips a test whether VERIFYD_CI is set or not", place)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range skipping {
		if !met[place] {
			t.Errorf("%s skips nothing", place)
		}
	}
}

func TestASkipIsFound(t *testing.T) {
	for body, want := range map[string]int{
		`t.Skip("no tool")`:   1,
		`t.Skipf("no %s", x)`: 1,
		`b.SkipNow()`:         1,
		`if os.Getenv("CI") != "" { t.Fatal() }; t.Skip()`:         1,
		`if os.Getenv("VERIFYD_CI") == "no" { t.Skip() }`:          1,
		`if os.Getenv("VERIFYD_CI") != "" { t.Fatal() }; t.Skip()`: 0,
		`if testing.Short() { t.Skip() }`:                          0,
		`f.cheat.Skip(t)`:                                          0,
		`t.Fatal()`:                                                0,
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc TestX() { "+body+" }", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if found := skips(tree); len(found) != want {
			t.Errorf("%s: %q", body, found)
		}
	}
}
