package merkle

import "fmt"

// Builder computes a root from leaf hashes that arrive in order. It keeps one hash for each level
// and allocates nothing. The zero value is an empty tree.
type Builder struct {
	size  uint64
	stack [64]Hash // roots of the complete subtrees, the largest first
	depth int
}

// Append adds the next leaf hash.
func (b *Builder) Append(leaf Hash) {
	node := leaf
	for s := b.size; s&1 == 1; s >>= 1 {
		b.depth--
		node = NodeHash(b.stack[b.depth], node)
	}
	b.stack[b.depth] = node
	b.depth++
	b.size++
}

// Size returns the number of leaves appended.
func (b *Builder) Size() uint64 { return b.size }

// Reset empties the tree.
func (b *Builder) Reset() { b.size, b.depth = 0, 0 }

// Root returns the root over the leaves so far. More leaves may follow.
func (b *Builder) Root() Hash {
	if b.depth == 0 {
		return Empty()
	}
	node := b.stack[b.depth-1]
	for i := b.depth - 2; i >= 0; i-- {
		node = NodeHash(b.stack[i], node)
	}
	return node
}

// Root returns the root over leaf hashes.
func Root(leaves []Hash) Hash {
	var b Builder
	for _, l := range leaves {
		b.Append(l)
	}
	return b.Root()
}

// Tree keeps every level of a tree, for proofs. It holds about 64 bytes a leaf.
type Tree struct {
	levels [][]Hash // levels[0] are the leaf hashes; an odd last node moves up unchanged
}

// NewTree builds the tree over leaf hashes, which it keeps and the caller must not change.
func NewTree(leaves []Hash) *Tree {
	t := &Tree{levels: [][]Hash{leaves}}
	for level := leaves; len(level) > 1; {
		next := make([]Hash, 0, (len(level)+1)/2)
		for i := 0; i+1 < len(level); i += 2 {
			next = append(next, NodeHash(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			next = append(next, level[len(level)-1])
		}
		t.levels = append(t.levels, next)
		level = next
	}
	return t
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 { return uint64(len(t.levels[0])) }

// Leaf returns the hash of leaf i.
func (t *Tree) Leaf(i uint64) Hash { return t.levels[0][i] }

// Root returns the root of the tree.
func (t *Tree) Root() Hash {
	if t.Size() == 0 {
		return Empty()
	}
	return t.levels[len(t.levels)-1][0]
}

// AppendProof appends the inclusion proof of leaf i, the sibling nearest to the leaf first.
func (t *Tree) AppendProof(proof []Hash, i uint64) ([]Hash, error) {
	if i >= t.Size() {
		return nil, fmt.Errorf("leaf %d of a tree of %d", i, t.Size())
	}
	for _, level := range t.levels[:len(t.levels)-1] {
		if sibling := i ^ 1; sibling < uint64(len(level)) {
			proof = append(proof, level[sibling])
		}
		i >>= 1
	}
	return proof, nil
}
