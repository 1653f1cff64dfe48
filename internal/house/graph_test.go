package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the repository, from here.
const root = "../.."

// graph is the packages of this module by their folders, and the folders of ours that each imports: in files for any
// system, without those of tests.
type graph map[string][]string

// file is a source file that is no test's.
type file struct {
	folder, name string // of its package; in it
	tree         *ast.File
}

// packages reads all of the module once.
var packages = sync.OnceValues(func() (files []file, err error) {
	list := exec.Command("go", "list", "-json=ImportPath,Dir,Module", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir string
			Module          struct{ Path string }
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		names, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			files = append(files, file{strings.TrimPrefix(p.ImportPath, p.Module.Path+"/"), filepath.Base(name), tree})
		}
	}
})

// read is all files of the module, and who imports whom.
func read(t *testing.T) ([]file, graph) {
	t.Helper()
	files, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/verifyd/verifyd/"
	g := graph{}
	for _, f := range files {
		g[f.folder] = append(g[f.folder], nil...)
		for _, i := range f.tree.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if to, ours := strings.CutPrefix(path, module); ours && !slices.Contains(g[f.folder], to) {
				g[f.folder] = append(g[f.folder], to)
			}
		}
	}
	if len(g) < 40 {
		t.Fatalf("only %d packages were found", len(g))
	}
	return files, g
}

// folders are the packages in order.
func (g graph) folders() []string { return slices.Sorted(maps.Keys(g)) }

// reach is what a package is made of, itself included, each with the one that imports it.
func (g graph) reach(folder string) map[string]string {
	by := map[string]string{folder: ""}
	for next := []string{folder}; len(next) > 0; next = next[1:] {
		for _, to := range g[next[0]] {
			if _, seen := by[to]; !seen {
				by[to] = next[0]
				next = append(next, to)
			}
		}
	}
	return by
}

// covers says whether a pattern, a folder or FOLDER/... with all below it, has a folder.
func covers(pattern, folder string) bool {
	if above, all := strings.CutSuffix(pattern, "/..."); all {
		return folder == above || strings.HasPrefix(folder, above+"/")
	}
	return folder == pattern
}
