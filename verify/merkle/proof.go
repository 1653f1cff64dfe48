package merkle

import (
	"math/bits"

	"github.com/verifyd/verifyd/verify/fault"
)

// ErrProof says that a proof of the right length does not lead from the leaf to the root.
var ErrProof = fault.New(fault.WrongDigest, "", "", "inclusion proof does not lead to the root")

// MaxProof returns the length of the longest inclusion proof in a tree of size leaves.
func MaxProof(size uint64) int {
	if size == 0 {
		return 0
	}
	return bits.Len64(size - 1)
}

// ProofLen returns the length of the inclusion proof of leaf i in a tree of size leaves: the
// levels on which the node above the leaf has a sibling.
func ProofLen(i, size uint64) int {
	n := 0
	for last := size - 1; last > 0; i, last = i>>1, last>>1 {
		if i^1 <= last {
			n++
		}
	}
	return n
}

// Verify checks that proof leads from the hash of leaf i to the root of a tree of size leaves.
func Verify(root Hash, size, i uint64, leaf Hash, proof []Hash) error {
	if i >= size {
		return fault.New(fault.OutOfRange, "", "", "leaf %d of a tree of %d", i, size)
	}
	if want := ProofLen(i, size); len(proof) != want {
		return fault.New(fault.BadLength, "", "", "inclusion proof of leaf %d in a tree of %d has %d hashes, %d needed", i, size, len(proof), want)
	}
	if RootFrom(leaf, i, size, proof) != root {
		return ErrProof
	}
	return nil
}

// RootFrom returns the root of the tree of size leaves in which proof, of ProofLen(i, size) hashes, leads up from leaf i.
func RootFrom(leaf Hash, i, size uint64, proof []Hash) Hash {
	node := leaf
	for last := size - 1; last > 0; i, last = i>>1, last>>1 {
		if i^1 > last {
			continue // the last node of an odd level moves up unchanged
		}
		if i&1 == 1 {
			node = NodeHash(proof[0], node)
		} else {
			node = NodeHash(node, proof[0])
		}
		proof = proof[1:]
	}
	return node
}
