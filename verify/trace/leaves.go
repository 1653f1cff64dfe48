package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/merkle"
)

// leavesMagic and the number of leaves are the header of a leaf file.
const (
	leavesMagic  = "VFDLEAF1"
	leavesHeader = len(leavesMagic) + 8
)

// Leaves reads a leaf file from front to back.
type Leaves struct {
	r     io.Reader
	file  string
	steps uint64
	next  uint64
	tree  merkle.Builder
	buf   [LeafSize]byte
}

// NewLeaves reads the header of a leaf file, which must have steps leaves. Errors begin with file.
func NewLeaves(r io.Reader, file string, steps uint64) (*Leaves, error) {
	var header [leavesHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, fmt.Errorf("%s: header: %w", file, truncated(err))
	}
	if !bytes.Equal(header[:len(leavesMagic)], []byte(leavesMagic)) {
		return nil, fmt.Errorf("%s: header: begins with %q, %q is needed", file, header[:len(leavesMagic)], leavesMagic)
	}
	if n := binary.LittleEndian.Uint64(header[len(leavesMagic):]); n != steps {
		return nil, fmt.Errorf("%s: header: %d leaves, the job has %d steps", file, n, steps)
	}
	return &Leaves{r: r, file: file, steps: steps}, nil
}

// Next reads the next leaf. After the last one it checks that nothing follows, and returns io.EOF.
func (s *Leaves) Next() (Leaf, error) {
	if s.next == s.steps {
		if n, err := io.ReadFull(s.r, s.buf[:1]); n > 0 {
			return Leaf{}, fmt.Errorf("%s: bytes follow leaf %d, the last one", s.file, s.steps-1)
		} else if err != io.EOF {
			return Leaf{}, fmt.Errorf("%s: after the last leaf: %w", s.file, err)
		}
		return Leaf{}, io.EOF
	}
	if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
		return Leaf{}, fmt.Errorf("%s: leaf %d: %w", s.file, s.next, truncated(err))
	}
	l := decodeLeaf(s.buf[:])
	if l.Step != s.next {
		return Leaf{}, fmt.Errorf("%s: leaf %d: step: %d, the leaves are not in order", s.file, s.next, l.Step)
	}
	if !l.Finite() {
		return Leaf{}, fmt.Errorf("%s: leaf %d: loss or clip coefficient is not finite", s.file, s.next)
	}
	s.tree.Append(l.Hash())
	s.next++
	return l, nil
}

// Root is the root over the leaves read so far.
func (s *Leaves) Root() merkle.Hash { return s.tree.Root() }

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is truncated: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// LeavesSize is the size of a leaf file in bytes.
func LeavesSize(steps uint64) int64 { return int64(leavesHeader) + LeafSize*int64(steps) }

// ReadLeaves reads count leaves of a leaf file that has been read whole before, beginning with step first.
func ReadLeaves(r io.ReaderAt, first, count uint64) ([]Leaf, error) {
	data := make([]byte, count*LeafSize)
	if _, err := r.ReadAt(data, LeavesSize(first)); err != nil {
		return nil, fmt.Errorf("leaf %d: %w", first, truncated(err))
	}
	leaves := make([]Leaf, count)
	for i := range leaves {
		leaves[i] = decodeLeaf(data[i*LeafSize:])
	}
	return leaves, nil
}
