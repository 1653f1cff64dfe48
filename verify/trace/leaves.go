package trace

import (
	"bytes"
	"encoding/binary"

	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/fault"
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
		return nil, fault.In(file, fault.Under("header", fault.Truncated(err)))
	}
	if !bytes.Equal(header[:len(leavesMagic)], []byte(leavesMagic)) {
		return nil, fault.New(fault.BadForm, file, "header", "begins with %q, %q is needed", header[:len(leavesMagic)], leavesMagic)
	}
	if n := binary.LittleEndian.Uint64(header[len(leavesMagic):]); n != steps {
		return nil, fault.New(fault.BadLength, file, "header", "%d leaves, the job has %d steps", n, steps)
	}
	return &Leaves{r: r, file: file, steps: steps}, nil
}

// Next reads the next leaf, whatever it says: whether the leaves are in order and hold finite numbers, their root being
// the claimed one, is the worker's to answer for. After the last one it checks that nothing follows, and returns io.EOF.
func (s *Leaves) Next() (Leaf, error) {
	if s.next == s.steps {
		if n, err := io.ReadFull(s.r, s.buf[:1]); n > 0 {
			return Leaf{}, fault.New(fault.BadLength, s.file, "", "bytes follow leaf %d, the last one", s.steps-1)
		} else if err != io.EOF {
			return Leaf{}, fault.In(s.file, fault.Under("after the last leaf", err))
		}
		return Leaf{}, io.EOF
	}
	if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
		return Leaf{}, s.refuse(fault.Truncated(err))
	}
	l := decodeLeaf(s.buf[:])
	s.tree.Append(l.Hash())
	s.next++
	return l, nil
}

// refuse says that err is of the next leaf.
func (s *Leaves) refuse(err error) error {
	return fault.In(s.file, fault.Under(fmt.Sprintf("leaf %d", s.next), err))
}

// Root is the root over the leaves read so far.
func (s *Leaves) Root() merkle.Hash { return s.tree.Root() }

// LeavesSize is the size of a leaf file in bytes.
func LeavesSize(steps uint64) int64 { return int64(leavesHeader) + LeafSize*int64(steps) }

// ReadLeaves reads count leaves of a leaf file that has been read whole before, beginning with step first.
func ReadLeaves(r io.ReaderAt, first, count uint64) ([]Leaf, error) {
	data := make([]byte, count*LeafSize)
	if _, err := r.ReadAt(data, LeavesSize(first)); err != nil {
		return nil, fault.Under(fmt.Sprintf("leaf %d", first), fault.Truncated(err))
	}
	leaves := make([]Leaf, count)
	for i := range leaves {
		leaves[i] = decodeLeaf(data[i*LeafSize:])
	}
	return leaves, nil
}
