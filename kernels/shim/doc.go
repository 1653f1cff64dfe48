// Package shim runs the CUDA kernels of kernels/*.cu on the CPU: g++ compiles them with
// kernels/_shim/cuda_shim.h, one fiber a CUDA thread. It is a rig for tests: a Shim implements the
// Backend of package optest, a Memory the accelerator on which engines run whole steps; nothing that reaches a
// hash is computed with it.
//
// It shows that a kernel's source gives the bytes of the reference, that it never leaves its
// buffers, and that its barriers are enough for two opposite orders of threads. What a compiler or
// a device makes of the source is shown elsewhere.
package shim
