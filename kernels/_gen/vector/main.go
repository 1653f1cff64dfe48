// Command vector writes the assembly of the vector loops, for AVX2 and AVX-512 from one set of
// templates. Run it through `go generate ./kernels/...`.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// families are the files, in the order of their functions in the stubs.
var families = []struct {
	name  string
	write func(*asm)
}{
	{"elementwise", elementwise},
	{"activation", activation},
	{"sums", sums},
	{"rows", rows},
	{"folds", folds},
	{"optimizer", optimizer},
	{"random", random},
	{"pool", pool},
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: vector DIRECTORY")
	}
	for _, i := range []isa{avx2, avx512} {
		if err := write(os.Args[1], i); err != nil {
			log.Fatal(err)
		}
	}
}

// write writes the assembly and the declarations of one instruction set.
func write(dir string, i isa) error {
	cfg := printer.Config{Name: "kernels/_gen/vector", Pkg: "asm"}
	all := ir.NewFile()
	path := func(family, ext string) string {
		return filepath.Join(dir, "vector_"+family+strings.ToLower(i.name)+"_amd64"+ext)
	}
	for _, family := range families {
		a := newAsm(i)
		family.write(a)
		f, err := a.Result()
		if err != nil {
			return fmt.Errorf("%s %s: %w", i.name, family.name, err)
		}
		if err := pass.Compile.Execute(f); err != nil {
			return fmt.Errorf("%s %s: %w", i.name, family.name, err)
		}
		text, err := printer.NewGoAsm(cfg).Print(f)
		if err != nil {
			return err
		}
		if err := a.lint(string(text)); err != nil {
			return fmt.Errorf("%s %s: %w", i.name, family.name, err)
		}
		if err := os.WriteFile(path(family.name+"_", ".s"), text, 0o644); err != nil {
			return err
		}
		for _, fn := range f.Functions() {
			all.AddSection(fn)
		}
	}
	stubs, err := printer.NewStubs(cfg).Print(all)
	if err != nil {
		return err
	}
	return os.WriteFile(path("", ".go"), stubs, 0o644)
}

// lint refuses what the templates must never produce: fused arithmetic, and with AVX2 a register
// that only AVX-512 has.
func (a *asm) lint(text string) error {
	for _, fused := range []string{"VFMADD", "VFMSUB", "VFNMADD", "VFNMSUB"} {
		if strings.Contains(text, fused) {
			return fmt.Errorf("%s rounds once where DRN-1 rounds twice", fused)
		}
	}
	if !a.wide() {
		for r := 16; r < 32; r++ {
			if strings.Contains(text, fmt.Sprintf("Y%d", r)) || strings.Contains(text, fmt.Sprintf("X%d", r)) {
				return fmt.Errorf("register Y%d: a template needs more than 16 vectors", r)
			}
		}
	}
	return nil
}
