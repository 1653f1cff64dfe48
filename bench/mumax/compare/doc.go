// SPDX-License-Identifier: GPL-3.0-or-later

// Package compare measures two libraries that reduce and map vectors on one GPU. It times them in turn,
// round by round, in one run, and counts how many different bit patterns the same sum gives when it is
// repeated.
//
// It needs neither a GPU nor CUDA itself: what it measures is a Side. Before anything is timed, every
// side has to compute what package kernels computes on the CPU: verifyd to the bit, a peer to the bit
// where a map rounds once, and within the error of any summation order where it reduces.
//
// Operands come from the generator of DRN-1, so that every run on every machine reduces the same
// numbers.
package compare
