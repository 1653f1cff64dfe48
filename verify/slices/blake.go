package slices

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"

	"github.com/verifyd/verifyd/verify/merkle"
)

// value is a chaining value: what a node of BLAKE3's tree is to the node above it.
type value = [8]uint32

// chunkNode is the lowest node, of the i-th chunk of a piece.
func chunkNode(content []byte, i uint64) guts.Node {
	return guts.CompressChunk(content, &guts.IV, i, 0)
}

// appendPath appends the nodes beside the way from chunk i of a piece to its root, the nearest first.
func appendPath(dst, piece []byte, i uint64) []byte {
	level := make([]value, 0, (len(piece)+chunkBytes-1)/chunkBytes)
	for at := 0; at < len(piece); at += chunkBytes {
		level = append(level, guts.ChainingValue(chunkNode(piece[at:min(at+chunkBytes, len(piece))], uint64(at/chunkBytes))))
	}
	for ; len(level) > 1; i >>= 1 {
		if beside := i ^ 1; beside < uint64(len(level)) {
			for _, w := range level[beside] {
				dst = binary.LittleEndian.AppendUint32(dst, w)
			}
		}
		above := level[:0]
		for k := 0; k+1 < len(level); k += 2 {
			above = append(above, guts.ChainingValue(guts.ParentNode(level[k], level[k+1], &guts.IV, 0)))
		}
		if len(level)%2 == 1 { // the last node of an odd level moves up unchanged
			above = append(above, level[len(level)-1])
		}
		level = above
	}
	return dst
}

// pieceHash is the BLAKE3-256 hash of a piece, from its chunk i and the nodes beside the way up.
func pieceHash(content []byte, i, chunks uint64, beside []byte) merkle.Hash {
	n := chunkNode(content, i)
	for last := chunks - 1; last > 0; i, last = i>>1, last>>1 {
		if i^1 > last {
			continue
		}
		var other value
		for k := range other {
			other[k] = binary.LittleEndian.Uint32(beside[4*k:])
		}
		beside = beside[merkle.Size:]
		if i&1 == 1 {
			n = guts.ParentNode(other, guts.ChainingValue(n), &guts.IV, 0)
		} else {
			n = guts.ParentNode(guts.ChainingValue(n), other, &guts.IV, 0)
		}
	}
	n.Flags |= guts.FlagRoot
	words := guts.CompressNode(n)
	var h merkle.Hash
	for k, w := range words[:8] {
		binary.LittleEndian.PutUint32(h[4*k:], w)
	}
	return h
}
