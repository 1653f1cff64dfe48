package merkle

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
)

// maxPath is the longest path that is followed: a tree of 2^64 leaves.
const maxPath = 64

// A Leaf is what a tree says of one account.
type Leaf struct {
	Account         proofs.Hash
	CumulativeUnits proofs.Uint128
	// Detail is the digest of the contribution that last raised the total.
	Detail proofs.Hash
}

// Hash is the leaf's node in the tree of a pool.
func (l Leaf) Hash(pool proofs.Hash) (node proofs.Hash) {
	newHasher().leaf(&node, &pool, &l)
	return node
}

// A Tree is a Merkle tree in an array: the root at 0, the children of i at
// 2i+1 and 2i+2, the leaf hashes at the end in descending order.
type Tree struct {
	pool  proofs.Hash
	nodes []proofs.Hash
}

// New builds the tree of a pool over leaves, in any order. It needs 64 bytes a
// leaf. No leaves, and two that are equal, are an error.
func New(pool proofs.Hash, leaves []Leaf) (*Tree, error) {
	n := len(leaves)
	if n == 0 {
		return nil, errors.New("merkle tree: no leaves")
	}
	t := &Tree{pool, make([]proofs.Hash, 2*n-1)}
	hashes := t.nodes[n-1:]
	parallel(n, func(h *hasher, from, to int) {
		for i := from; i < to; i++ {
			h.leaf(&hashes[i], &t.pool, &leaves[i])
		}
	})
	sortDescending(hashes)
	for i := 1; i < n; i++ {
		if hashes[i] == hashes[i-1] {
			return nil, fmt.Errorf("merkle tree: two leaves have the hash %s", hashes[i])
		}
	}
	// Level by level from below: nodes first..2*first are one level.
	first := 0
	for 2*first+1 < n-1 {
		first = 2*first + 1
	}
	for end := n - 1; end > 0; end, first = first, (first-1)/2 {
		parallel(end-first, func(h *hasher, from, to int) {
			for i := first + from; i < first+to; i++ {
				h.node(&t.nodes[i], &t.nodes[2*i+1], &t.nodes[2*i+2])
			}
		})
	}
	return t, nil
}

// sortDescending sorts hashes, which are spread evenly: first into buckets by
// their first byte, then each bucket, on every processor.
func sortDescending(hashes []proofs.Hash) {
	var starts [257]int // starts[b] is where the bucket of first byte 255-b begins
	for i := range hashes {
		starts[256-int(hashes[i][0])]++
	}
	for b := range 256 {
		starts[b+1] += starts[b]
	}
	next, sorted := starts, make([]proofs.Hash, len(hashes))
	for i := range hashes {
		b := 255 - hashes[i][0]
		sorted[next[b]] = hashes[i]
		next[b]++
	}
	copy(hashes, sorted)
	parallel(len(hashes), func(_ *hasher, from, to int) {
		for b := range 256 {
			// The part that holds a bucket's first element sorts it.
			if bucket := hashes[starts[b]:starts[b+1]]; len(bucket) > 1 && from <= starts[b] && starts[b] < to {
				slices.SortFunc(bucket, func(x, y proofs.Hash) int { return bytes.Compare(y[:], x[:]) })
			}
		}
	})
}

// Root is the tree's root.
func (t *Tree) Root() proofs.Hash { return t.nodes[0] }

// find returns where a leaf lies in the array.
func (t *Tree) find(l Leaf) (int, error) {
	want := l.Hash(t.pool)
	first := len(t.nodes) / 2
	i := first + sort.Search(len(t.nodes)-first, func(k int) bool {
		return bytes.Compare(t.nodes[first+k][:], want[:]) <= 0
	})
	if i == len(t.nodes) || t.nodes[i] != want {
		return 0, fmt.Errorf("merkle tree: no such leaf of account %s", l.Account)
	}
	return i, nil
}

// Path returns the siblings from a leaf to the root.
func (t *Tree) Path(l Leaf) ([]proofs.Hash, error) {
	i, err := t.find(l)
	if err != nil {
		return nil, err
	}
	path := []proofs.Hash{}
	for ; i > 0; i = (i - 1) / 2 {
		path = append(path, t.nodes[sibling(i)])
	}
	return path, nil
}

// sibling of a node that is not the root.
func sibling(i int) int { return (i - 1) ^ 1 + 1 }

// Verify returns an error unless path leads from the leaf to the root.
func Verify(root, pool proofs.Hash, l Leaf, path []proofs.Hash) error {
	if len(path) > maxPath {
		return refusePath("%d nodes, limit %d", len(path), maxPath)
	}
	h := newHasher()
	var node proofs.Hash
	h.leaf(&node, &pool, &l)
	for i := range path {
		h.node(&node, &node, &path[i])
	}
	if node != root {
		return refusePath("leads from the leaf of account %s to %s, not to the root %s", l.Account, node, root)
	}
	return nil
}

func refusePath(format string, args ...any) error {
	return &proofs.Error{Class: class.BadPath, Field: "merkle", Reason: fmt.Sprintf(format, args...)}
}
