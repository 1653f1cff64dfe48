// Package ptx holds the kernels of kernels/*.cu as PTX, which the driver of a GPU compiles when it loads them. It was
// written by a pinned clang without any NVIDIA toolkit and is committed, one compressed module for each source:
//
//	go test ./kernels/ptx            the modules are what clang writes, and every rounding in them is written
//	go test ./kernels/ptx -update    after a change of a kernel (needs clang 19.1.7, kernels/_shim/ptx.sh)
//
// The package starts nothing. What the modules compute is shown by package interpreter, and on a device by the golden vectors.
package ptx
