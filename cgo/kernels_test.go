//go:build cgo && linux && amd64

package cgo_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/verifyd/verifyd/kernels/ptx"
)

// shimFlags compile a kernel, or what runs it, for the CPU. See kernels/shim.
var shimFlags = []string{"-c", "-fPIC", "-O1", "-w", "-mfma", "-ffp-contract=off", "-std=c++17", "-DVERIFYD_SHIM", "-I.", "-I../kernels", "-I../kernels/_shim"}

// builtWithKernels is the fake with every kernel of kernels/*.cu in it, which it runs through the shim of
// kernels/_shim.
var builtWithKernels = sync.OnceValues(func() ([]byte, error) {
	return compile("g++", func(dir string) ([]string, error) {
		modules, err := ptx.Modules()
		if err != nil {
			return nil, err
		}
		objects := []string{filepath.Join(dir, "kernels.o")}
		sources := []string{"testdata/kernels.cpp"}
		for _, m := range modules {
			page, err := filepath.Abs(filepath.Join("..", "kernels", m.Name+".cu"))
			if err != nil {
				return nil, err
			}
			text := fmt.Sprintf("#include %q\n", page)
			for _, k := range m.Kernels {
				text += fmt.Sprintf("static shim::Entry<%s> entry_%s(%q);\n", k, k, k)
			}
			source := filepath.Join(dir, m.Name+".cpp")
			if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
				return nil, err
			}
			sources, objects = append(sources, source), append(objects, filepath.Join(dir, m.Name+".o"))
		}
		failures := make([]error, len(sources))
		slots := make(chan struct{}, 2)
		var all sync.WaitGroup
		for i, source := range sources {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				args := append(append([]string{}, shimFlags...), "-o", objects[i], source)
				if out, err := exec.Command("g++", args...).CombinedOutput(); err != nil {
					failures[i] = fmt.Errorf("%w: %s", err, out)
				}
			})
		}
		all.Wait()
		return append([]string{"-w", "-x", "c", "testdata/driver.c", "-x", "none"}, objects...), errors.Join(failures...)
	})
})
