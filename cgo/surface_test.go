package cgo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"
)

// A program that compiles with one kind of build compiles with the other.
func TestBothBuildsExportTheSame(t *testing.T) {
	if with, without := exported(t, "//go:build cgo && linux"), exported(t, "//go:build !cgo || !linux"); !slices.Equal(with, without) {
		for _, s := range with {
			if !slices.Contains(without, s) {
				t.Errorf("only with cgo: %s", s)
			}
		}
		for _, s := range without {
			if !slices.Contains(with, s) {
				t.Errorf("only without cgo: %s", s)
			}
		}
	}
}

// exported lists the exported functions, methods and types of the files under a build constraint,
// without the names of parameters.
func exported(t *testing.T, constraint string) []string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), constraint+"\n") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() {
					list = append(list, signature(d))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
						list = append(list, "type "+s.Name.Name)
					}
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

func signature(d *ast.FuncDecl) string {
	kinds := func(fields *ast.FieldList) string {
		var out []string
		if fields != nil {
			for _, f := range fields.List {
				for range max(1, len(f.Names)) {
					out = append(out, types.ExprString(f.Type))
				}
			}
		}
		return "(" + strings.Join(out, ", ") + ")"
	}
	return kinds(d.Recv) + " " + d.Name.Name + kinds(d.Type.Params) + " " + kinds(d.Type.Results)
}
