package proofs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// exported returns the exported names of the package in a folder: functions,
// types, constants, variables and methods.
func exported(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	add := func(prefix string, id *ast.Ident) {
		if id.IsExported() {
			names = append(names, prefix+id.Name)
		}
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				prefix := ""
				if d.Recv != nil {
					receiver := d.Recv.List[0].Type
					if star, ok := receiver.(*ast.StarExpr); ok {
						receiver = star.X
					}
					id := receiver.(*ast.Ident)
					if !id.IsExported() {
						continue
					}
					prefix = id.Name + "."
				}
				add(prefix, d.Name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						add("", s.Name)
					case *ast.ValueSpec:
						for _, id := range s.Names {
							add("", id)
						}
					}
				}
			}
		}
	}
	return names
}

// TestTheSurfaceIsSmall holds the number of exported names, methods included,
// of what an integrator reads first to fifty. Its helpers have their own, less.
func TestTheSurfaceIsSmall(t *testing.T) {
	for folder, limit := range map[string]int{".": 50, "bundle": 24, "epoch": 10, "spent": 13, "merkle": 15, "es256k": 5} {
		names := exported(t, folder)
		if len(names) > limit {
			t.Errorf("%s: %d exported names, limit %d: %s", folder, len(names), limit, strings.Join(names, " "))
		}
		t.Logf("%s: %d exported names", folder, len(names))
	}
}

// TestNothingButTheAllowedModulesIsImported: whoever verifies a proof links the
// standard library, x/crypto, x/mod and decred's secp256k1, and no more.
func TestNothingButTheAllowedModulesIsImported(t *testing.T) {
	for _, folder := range []string{".", "bundle", "epoch", "merkle", "spent", "es256k", "translog", "internal/amount", "internal/canonical", "internal/class"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", folder, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				name := strings.Trim(spec.Path.Value, `"`)
				first, _, _ := strings.Cut(name, "/")
				if !strings.Contains(first, ".") {
					continue
				}
				allowed := false
				for _, prefix := range []string{
					"golang.org/x/crypto/", "golang.org/x/mod/", "github.com/decred/dcrd/dcrec/secp256k1/v4", "github.com/verifyd/verifyd/proofs",
				} {
					allowed = allowed || strings.HasPrefix(name, prefix)
				}
				if !allowed {
					t.Errorf("%s imports %s", path, name)
				}
			}
		}
	}
}
