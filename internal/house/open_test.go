package house

import (
	"go/ast"
	"slices"
	"testing"
)

// opening are the packages whose files may be anybody's: they open what they read by verify/input, which waits for nobody.
var opening = []string{"verify/...", "proofs/...", "cmd/..."}

// opened are the files there that call os themselves.
var opened = map[string]string{
	"verify/verifytest/reopen.go":                          "a test's own files",
	"verify/metamorphic/damage.go":                         "a test's own files",
	"verify/trace/disk_unix.go":                            "a folder, to sync it",
	"cmd/verifyd/internal/translog/journal.go":             "a folder, to sync it",
	"cmd/verifyd/internal/registry/disk.go":                "folders, to sync and to list them",
	"cmd/verifyd/internal/registry/spent.go":               "a folder, to sync it",
	"cmd/verifyd/internal/crashtest/tracer_linux_amd64.go": "/proc, for tests",
	"cmd/verifyd/internal/device/doctor/system.go":         "/proc",
}

func TestFilesAreOpenedInOnePlace(t *testing.T) {
	files, _ := read(t)
	met := map[string]bool{}
	for _, f := range files {
		if !matches(opening, f.folder) {
			continue
		}
		place := f.folder + "/" + f.name
		ast.Inspect(f.tree, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains([]string{"Open", "ReadFile"}, s.Sel.Name) {
				met[place] = true
				if opened[place] == "" {
					t.Errorf("%s: os.%s, want verify/input", place, s.Sel.Name)
				}
			}
			return true
		})
	}
	for place := range opened {
		if !met[place] {
			t.Errorf("%s opens nothing itself", place)
		}
	}
}
