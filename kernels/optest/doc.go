// Package optest is the one conformance suite that every backend of package kernels must pass.
//
// A case is an operator with its shape, a class of data and a placement of the buffers. The
// expected bytes come from the reference (the generic code path, one thread). Bytes are compared,
// with every NaN counted as equal to every other, and never within a tolerance. Guard words round
// each buffer must survive, and inputs must come out as they went in.
//
// The package never decides what an operator means: that is contract.md and the reference.
package optest
