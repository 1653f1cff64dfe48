// Package kernels is the numeric contract DRN-1 (profile drn1/f32) and its operators.
//
// contract.md fixes the rounding points and the reduction order of every operator as a function of
// its shape alone. Each operator is one page of this package: its shape, its operands, and the Go
// reference, which is the definition. Assembly gives the same bits, faster.
//
// The shelf: NAME.go is the page of an operator or of what several share in their definitions, and
// NAME.cu, .cuh is its CUDA twin. cpu_*.go and cpu.go are how this machine's processors run them: code
// paths, workers, packing, tiles and the table of inner loops, whose assembly is package internal/asm.
//
// The package never looks at a model, a claim or a file, and nothing in it depends on the device,
// the number of threads, the alignment of a pointer or the split of a batch.
package kernels
