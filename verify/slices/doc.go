// Package slices holds what shows how far a training moved in each of its segments, at places that nobody could name
// before the beacon: for every boundary between segments a slice of each drawn tensor, with what binds it to the root of
// the state there.
//
// A slice is one chunk of BLAKE3, 1 KiB of a tensor's content (256 elements; the last one of a tensor may be shorter).
// Behind it stand the nodes that lead to the root of its MiB in BLAKE3's tree, from there to the tensor's digest, and from
// there to the state's root. SPEC.md, Slices, has the file byte by byte.
//
// From the slices follows a ranking of the segments by how much they moved for their learning rate ([Moves]). It is
// computed in binary64, each rounding written, so that worker and verifier rank alike.
//
// The package never decides which segments are replayed.
package slices
