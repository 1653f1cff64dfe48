package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/verifyd/verifyd/cgo/cgotest"
)

// driver puts a libcuda and an NVML without a GPU, those of the tests of package cgo, into a folder: driver FOLDER.
// Its kernels compute nothing. It takes a C compiler.
func driver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: driver FOLDER")
	}
	library, err := cgotest.Idle()
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(cgotest.Write(dir, library, "memory 2147483648"))
	ts.Check(os.Symlink(cgotest.Name, filepath.Join(dir, "libnvidia-ml.so.1")))
}
