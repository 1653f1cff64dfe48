package cgotest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"github.com/verifyd/verifyd/kernels/shim"
)

// What the builds take.
const (
	Compiler       = "cc"          // of Idle
	KernelCompiler = shim.Compiler // of Computing
)

// Idle is the library whose kernels compute nothing, compiled once for all tests of a process.
var Idle = sync.OnceValues(func() ([]byte, error) {
	return build(func(source, _ string) (string, []string, error) {
		return Compiler, []string{"-Wall", filepath.Join(source, "driver.c")}, nil
	})
})

// Computing is the library with the kernels of the pages that are named, without .cu; those of all without any.
func Computing(pages ...string) ([]byte, error) {
	return build(func(source, dir string) (string, []string, error) {
		kernels, err := shim.Folder()
		if err != nil {
			return "", nil, err
		}
		if len(pages) == 0 {
			pages = []string{"*"}
		}
		files := []string{filepath.Join(source, "kernels.cpp")}
		for _, page := range pages {
			found, err := filepath.Glob(filepath.Join(kernels, page+".cu"))
			if err != nil {
				return "", nil, err
			}
			if len(found) == 0 {
				return "", nil, fmt.Errorf("cgotest: no kernels are called %s", page)
			}
			files = append(files, found...)
		}
		objects, err := shim.Objects(context.Background(), kernels, dir, files, "-w", "-fPIC")
		args := []string{"-w", "-x", "c", filepath.Join(source, "driver.c"), "-x", "none"}
		return KernelCompiler, append(args, slices.Collect(maps.Values(objects))...), err
	})
}

// build makes a shared library of the arguments that sources gives a compiler; it may write to dir.
func build(sources func(source, dir string) (compiler string, args []string, err error)) ([]byte, error) {
	kernels, err := shim.Folder()
	if err != nil {
		return nil, err
	}
	cgo := filepath.Join(kernels, "..", "cgo")
	dir, err := os.MkdirTemp("", "verifyd-driver-")
	if err != nil {
		return nil, fmt.Errorf("cgotest: %w", err)
	}
	defer os.RemoveAll(dir)
	compiler, args, err := sources(filepath.Join(cgo, "testdata"), dir)
	if err != nil {
		return nil, err
	}
	library := filepath.Join(dir, Name)
	args = append([]string{"-shared", "-fPIC", "-O1", "-I", cgo, "-o", library}, args...)
	if out, err := exec.Command(compiler, append(args, "-ldl", "-lpthread")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cgotest: %s: %w\n%s", compiler, err, out)
	}
	return os.ReadFile(library)
}
