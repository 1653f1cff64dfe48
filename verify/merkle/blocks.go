package merkle

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// blockLeaves is how many leaves a block has. A proof hashes one block; what is kept is 64 bytes for each.
const blockLeaves = 1024

// Blocks is a tree whose leaf hashes lie elsewhere, in a file for instance. It keeps the levels above blocks of leaves.
type Blocks struct {
	size  uint64
	read  func(first uint64, leaves []Hash) error
	upper *Tree
}

// NewBlocks builds the tree of so many leaves, which read gives from some leaf on. It reads each once, on all processors, and later
// those of a block for each proof: read must serve many goroutines at a time.
func NewBlocks(size uint64, read func(first uint64, leaves []Hash) error) (*Blocks, error) {
	b := &Blocks{size: size, read: read}
	roots := make([]Hash, (size+blockLeaves-1)/blockLeaves)
	var next atomic.Uint64
	var work sync.WaitGroup
	var once sync.Once
	var failed error
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			leaves := make([]Hash, blockLeaves)
			for i := next.Add(1) - 1; i < uint64(len(roots)); i = next.Add(1) - 1 {
				block, err := b.block(leaves, i)
				if err != nil {
					once.Do(func() { failed = err })
					next.Store(uint64(len(roots)))
					return
				}
				roots[i] = Root(block)
			}
		})
	}
	work.Wait()
	if failed != nil {
		return nil, failed
	}
	b.upper = NewTree(roots)
	return b, nil
}

// block reads the leaves of a block.
func (b *Blocks) block(leaves []Hash, i uint64) ([]Hash, error) {
	first := i * blockLeaves
	leaves = leaves[:min(blockLeaves, b.size-first)]
	return leaves, b.read(first, leaves)
}

// Root returns the root of the tree.
func (b *Blocks) Root() Hash { return b.upper.Root() }

// Leaf returns the hash of leaf i.
func (b *Blocks) Leaf(i uint64) (Hash, error) {
	if i >= b.size {
		return Hash{}, fmt.Errorf("leaf %d of a tree of %d", i, b.size)
	}
	var one [1]Hash
	err := b.read(i, one[:])
	return one[0], err
}

// AppendProof appends the inclusion proof of leaf i, the sibling nearest to the leaf first.
func (b *Blocks) AppendProof(proof []Hash, i uint64) ([]Hash, error) {
	if i >= b.size {
		return nil, fmt.Errorf("leaf %d of a tree of %d", i, b.size)
	}
	leaves, err := b.block(make([]Hash, blockLeaves), i/blockLeaves)
	if err != nil {
		return nil, err
	}
	below := NewTree(leaves)
	if below.Root() != b.upper.Leaf(i/blockLeaves) {
		return nil, ErrProof // what is read has changed
	}
	if proof, err = below.AppendProof(proof, i%blockLeaves); err != nil {
		return nil, err
	}
	return b.upper.AppendProof(proof, i/blockLeaves)
}
