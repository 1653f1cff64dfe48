// Package rig is what the places share that run the CUDA kernels without a GPU, or stand in for one: which
// operands are one buffer, and the routines of a memory. Package kernels/kernelstest offers those places.
package rig
