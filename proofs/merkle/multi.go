package merkle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/proofs"
)

// maxLeaves bounds the leaves of a multiproof.
const maxLeaves = 1 << 16

// A MultiProof proves several leaves at once with fewer nodes than their paths
// have. A contract that pays many accounts in one call checks it with
// MerkleProof.multiProofVerify.
type MultiProof struct {
	Leaves []Leaf // in the order in which they are consumed
	Path   []proofs.Hash
	Flags  []bool // true: the next pair is two known nodes, false: one and the next of Path
}

// MultiProof returns the proof of several different leaves, in any order.
func (t *Tree) MultiProof(leaves []Leaf) (*MultiProof, error) {
	if len(leaves) == 0 || len(leaves) > maxLeaves {
		return nil, fmt.Errorf("merkle tree: multiproof of %d leaves, want 1 to %d", len(leaves), maxLeaves)
	}
	type place struct {
		at   int
		leaf Leaf
	}
	places := make([]place, len(leaves))
	for i, l := range leaves {
		at, err := t.find(l)
		if err != nil {
			return nil, err
		}
		places[i] = place{at, l}
	}
	// From the end of the array, that is from below, so that both children are
	// known before their parent's turn.
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(b.at, a.at) })
	m := &MultiProof{Path: []proofs.Hash{}, Flags: []bool{}}
	queue := make([]int, 0, 2*len(places))
	for i, p := range places {
		if i > 0 && p.at == places[i-1].at {
			return nil, errors.New("merkle tree: multiproof of one leaf twice")
		}
		m.Leaves = append(m.Leaves, p.leaf)
		queue = append(queue, p.at)
	}
	for ; queue[0] > 0; queue = queue[1:] {
		i := queue[0]
		known := len(queue) > 1 && queue[1] == sibling(i)
		if known {
			queue = queue[1:]
		} else {
			m.Path = append(m.Path, t.nodes[sibling(i)])
		}
		m.Flags = append(m.Flags, known)
		queue = append(queue, (i-1)/2)
	}
	return m, nil
}

// Verify returns an error unless the leaves are in the tree with that root.
func (m *MultiProof) Verify(root, pool proofs.Hash) error {
	n := len(m.Leaves)
	if n == 0 || n > maxLeaves || len(m.Path) > maxLeaves*maxPath {
		return refusePath("%d leaves and %d nodes, want 1 to %d leaves", n, len(m.Path), maxLeaves)
	}
	// Each flag makes one node of two.
	if n+len(m.Path) != len(m.Flags)+1 {
		return refusePath("%d leaves and %d nodes do not go with %d flags", n, len(m.Path), len(m.Flags))
	}
	h := newHasher()
	queue := make([]proofs.Hash, n, n+len(m.Flags))
	for i := range m.Leaves {
		h.leaf(&queue[i], &pool, &m.Leaves[i])
	}
	path := m.Path
	for _, known := range m.Flags {
		needs := 1
		if known {
			needs = 2
		}
		if len(queue) < needs || !known && len(path) == 0 {
			return refusePath("the flags ask for more nodes than there are")
		}
		var node proofs.Hash
		if known {
			h.node(&node, &queue[0], &queue[1])
		} else {
			h.node(&node, &queue[0], &path[0])
			path = path[1:]
		}
		queue = append(queue[needs:], node)
	}
	// By the count above, one node is left, and it is in the queue.
	if queue[0] != root {
		return refusePath("leads to %s, not to the root %s", queue[0], root)
	}
	return nil
}
