package main

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// driver puts a libcuda and an NVML without a GPU, those of the tests of package cgo, into a folder: driver FOLDER.
// Its kernels compute nothing. It takes a C compiler.
func driver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: driver FOLDER")
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		ts.Fatalf("%v", err)
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	source, err := filepath.Abs("../../cgo")
	ts.Check(err)
	library := filepath.Join(dir, "libcuda.so.1")
	out, err := exec.Command(compiler, "-shared", "-fPIC", "-O1", "-I"+source, "-o", library,
		filepath.Join(source, "testdata", "driver.c"), "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
	ts.Check(os.Symlink("libcuda.so.1", filepath.Join(dir, "libnvidia-ml.so.1")))
	// What it does is said beside it; see cgo/testdata/driver.c.
	ts.Check(os.WriteFile(filepath.Join(dir, "control"), []byte("run 1\nmemory 2147483648\n"), 0o644))
}
