// Command gemm writes the assembly of the matrix product's tiles, for AVX2 and AVX-512 from one
// template, and for NEON. Run it through `go generate ./kernels/...`.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: gemm DIRECTORY")
	}
	for _, i := range []isa{avx2, avx512} {
		if err := write(os.Args[1], i); err != nil {
			log.Fatal(err)
		}
	}
	if err := writeNEON(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// write writes the tiles of one instruction set, their declarations and the table of them.
func write(dir string, i isa) error {
	c := build.NewContext()
	for _, from := range []source{strided, listed} {
		for rows := 1; rows <= i.rows; rows++ {
			tile{Context: c, isa: i, rows: rows, from: from}.write()
		}
	}
	tile{Context: c, isa: i}.copyPanels()
	if i == avx2 {
		transpose(c)
		depth(c)
	}
	f, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(f); err != nil {
		return err
	}
	cfg := printer.Config{Name: "kernels/_gen/gemm", Pkg: "asm"}
	path := filepath.Join(dir, "gemm_"+i.suffix+"_amd64")
	if err := print(printer.NewGoAsm(cfg), f, path+".s"); err != nil {
		return err
	}
	if err := print(printer.NewStubs(cfg), f, path+".go"); err != nil {
		return err
	}
	return writeTable(filepath.Join(dir, "gemm_"+i.suffix+"_table_amd64.go"), i)
}

func print(p printer.Printer, f *ir.File, path string) error {
	text, err := p.Print(f)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func writeTable(path string, i isa) error {
	text, err := table(i)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
