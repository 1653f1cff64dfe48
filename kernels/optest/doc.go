// Package optest is the one conformance suite that every backend of package kernels must pass.
//
// A case is an operator with its shape, a class of data and a placement of the buffers. The
// expected bytes come from the reference (the generic code path, one thread). Bytes are compared,
// with every NaN counted as equal to every other, and never within a tolerance. Guard words round
// each buffer must survive, and inputs must come out as they went in.
//
//	go test ./kernels/optest                         every case, on every code path of the machine
//	go test ./kernels/optest -run Digests -long      the digests of 10000 runs as well
//	go test -v ./kernels/optest -report coverage     or perf, or support
//	kernels/optest/qemu.sh                           arm64 and s390x, emulated
//	kernels/optest/bochs/run.sh                      AVX-512, emulated
//	kernels/optest/fusion.sh                         no fused multiply-add in compiled Go
//
// The package never decides what an operator means: that is contract.md and the reference.
package optest
