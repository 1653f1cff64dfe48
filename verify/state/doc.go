// Package state commits to the state of a training run: parameters, optimizer slots and counters.
//
// The root of a state is an RFC 6962 tree. Its first leaf is the header: kind and version, step,
// random-number counter, data cursor, number of tensors. One leaf for each tensor follows, in the
// program's order: name, element type, shape and digest. The digest of a tensor is itself the root
// of a tree, over the BLAKE3 hashes of its content in chunks of 1 MiB: little-endian binary32 with
// every NaN replaced by 0x7fc00000. Tensors that no step changes are one leaf more, the root of a tree of their own, which is
// computed once. Gradients are committed to in the same way under another kind.
//
// Two states that differ have digests that differ, so the first differing tensor can be named
// without its content.
//
// The package never decides what a state should be, and takes no name or shape from a file.
package state
