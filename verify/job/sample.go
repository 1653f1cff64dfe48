package job

import (
	"crypto/sha256"
	"hash"

	"github.com/verifyd/verifyd/verify/merkle"
)

// SampleHasher computes the leaf hashes of samples without allocating. It serves one goroutine at a time.
type SampleHasher struct {
	sha    hash.Hash
	head   []byte // of every leaf
	widths []int
	sum    []byte
}

// Hasher returns a SampleHasher of a layout's samples.
func (l *Layout) Hasher() *SampleHasher {
	digest := l.digest()
	return &SampleHasher{sha: sha256.New(), head: append([]byte{0}, digest[:]...), widths: l.Widths()} // RFC 6962's prefix of leaves
}

// Leaf returns the leaf hash of row i of a batch. A sample's record is the digest of its layout, and then its bytes as they are
// stored, tensor after tensor.
func (s *SampleHasher) Leaf(batch [][]byte, i int) merkle.Hash {
	s.sha.Reset()
	s.sha.Write(s.head)
	for k, n := range s.widths {
		s.sha.Write(batch[k][i*n : (i+1)*n])
	}
	s.sum = s.sha.Sum(s.sum[:0])
	return merkle.Hash(s.sum)
}

// At is Leaf of a sample whose tensor k begins at byte from[k] of batch[k].
func (s *SampleHasher) At(batch [][]byte, from []int) merkle.Hash {
	s.sha.Reset()
	s.sha.Write(s.head)
	for k, n := range s.widths {
		s.sha.Write(batch[k][from[k]:][:n])
	}
	s.sum = s.sha.Sum(s.sum[:0])
	return merkle.Hash(s.sum)
}

// BatchRoot is the root over the leaf hashes of a step's rows, in their order.
func BatchRoot(leaves []merkle.Hash) merkle.Hash { return merkle.Root(leaves) }
