// Package asm is the assembly behind package kernels: inner loops for AVX2, AVX-512 and NEON, written
// by the programs under kernels/_gen, and a few instructions that Go has no word for.
//
// Every function equals a Go loop, bit for bit, which package kernels has: each says which. Nothing
// here checks a length or a processor; kernels calls a function only where its instructions exist.
package asm

//go:generate go -C ../../_gen run ./vector ../internal/asm
//go:generate go -C ../../_gen run ./gemm ../internal/asm
//go:generate go -C ../../_gen run ./distance ../internal/asm
