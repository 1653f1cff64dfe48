//go:build !(cgo && linux && amd64)

package main

import "github.com/rogpeppe/go-internal/testscript"

// canHaveGPU says that no driver can be made for the scripts: nothing could load
// it, or run its kernels.
func canHaveGPU() (bool, error) { return false, nil }

func paperGPU(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("there is no GPU") }
