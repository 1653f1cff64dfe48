package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// Version names the construction of roots in signed documents.
const Version = "verifyd-state/1"

// Kind separates the roots of states from those of gradients. It begins the header leaf.
type Kind string

// The kinds of roots.
const (
	State    Kind = Version
	Gradient Kind = "verifyd-gradient/1"
	Base     Kind = "verifyd-base/1"   // of what the tensors of a program start as
	Outer    Kind = "verifyd-outer/1"  // of the momentum that goes from one round to the next
	Frozen   Kind = "verifyd-frozen/1" // of the tensors that no step changes: one leaf of every state
)

// Counters are the parts of a state that are not tensors.
type Counters struct {
	Step   uint64 `json:"step"`   // updates applied since the initial state
	RNG    uint64 `json:"rng"`    // value of the random-number counter for the next micro-batch
	Cursor uint64 `json:"cursor"` // position in the slot's sequence of samples
	// Assignment is the digest of the assignment that the state was reached for: a training serves one. It is
	// zero in the initial state, which no assignment is needed for.
	Assignment merkle.Hash `json:"assignment"`
}

// Layout is the ordered list of tensors that a root covers. It is read-only.
type Layout struct {
	kind   Kind
	specs  []program.TensorSpec
	leaves [][]byte // the leaf of each digest, without it
}

// NewLayout lays out tensors, which must be of kind f32, in the given order: Plan.Tensors for a state,
// Plan.Params for gradients.
func NewLayout(kind Kind, tensors []program.TensorSpec) (*Layout, error) {
	l := &Layout{kind: kind, specs: tensors}
	for _, t := range tensors {
		if t.Kind != kernels.F32 {
			return nil, fault.New(fault.WrongType, "", fmt.Sprintf("tensor %q", t.Name), "kind %v, f32 is needed", t.Kind)
		}
		if len(t.Name) > 256 || len(t.Shape) > 16 {
			return nil, fault.New(fault.TooLarge, "", fmt.Sprintf("tensor %.20q", t.Name), "name of %d characters and %d dimensions, the limits are 256 and 16", len(t.Name), len(t.Shape))
		}
		leaf := binary.LittleEndian.AppendUint16(nil, uint16(len(t.Name)))
		leaf = append(leaf, t.Name...)
		leaf = append(leaf, "F32"...)
		leaf = append(leaf, byte(len(t.Shape)))
		for _, d := range t.Shape {
			leaf = binary.LittleEndian.AppendUint64(leaf, uint64(d))
		}
		l.leaves = append(l.leaves, leaf)
	}
	if len(tensors) == 0 {
		return nil, fault.New(fault.OutOfRange, "", "", "a layout needs a tensor")
	}
	return l, nil
}

// WithFrozen is the layout of a state that has frozen tensors besides: their root, with counters of zero, is one more digest
// behind those of the tensors. It is computed once and no step changes it.
func (l *Layout) WithFrozen() *Layout {
	with := *l
	with.leaves = append(slices.Clone(l.leaves), []byte(Frozen))
	return &with
}

// Digests is how many digests make a root: one for each tensor, and the root of those that are frozen, if there are any.
func (l *Layout) Digests() int { return len(l.leaves) }

// Tensors lists the tensors in order, without frozen ones. The caller must not change the list.
func (l *Layout) Tensors() []program.TensorSpec { return l.specs }

// Bytes is the size of these tensors together.
func (l *Layout) Bytes() int64 {
	var n int64
	for _, t := range l.specs {
		n += 4 * int64(t.Len())
	}
	return n
}

// Root computes the root from the counters and the digests. It allocates nothing.
func (l *Layout) Root(c Counters, digests []merkle.Hash) merkle.Hash {
	var b merkle.Builder
	b.Append(l.header(c))
	for i := range l.leaves {
		b.Append(l.Leaf(i, digests[i]))
	}
	return b.Root()
}

// Leaves returns the leaf hashes of the tree that Root computes: the header's, then each digest's.
func (l *Layout) Leaves(c Counters, digests []merkle.Hash) []merkle.Hash {
	leaves := []merkle.Hash{l.header(c)}
	for i := range l.leaves {
		leaves = append(leaves, l.Leaf(i, digests[i]))
	}
	return leaves
}

// header is the hash of leaf 0.
func (l *Layout) header(c Counters) merkle.Hash {
	var buf [128]byte
	leaf := append(buf[:0], l.kind...)
	leaf = binary.LittleEndian.AppendUint64(leaf, c.Step)
	leaf = binary.LittleEndian.AppendUint64(leaf, c.RNG)
	leaf = binary.LittleEndian.AppendUint64(leaf, c.Cursor)
	leaf = append(leaf, c.Assignment[:]...)
	leaf = binary.LittleEndian.AppendUint32(leaf, uint32(len(l.leaves)))
	return merkle.LeafHash(leaf)
}

// Leaf is the hash of the leaf of the i-th digest, which is leaf i+1, if it is this one.
func (l *Layout) Leaf(i int, digest merkle.Hash) merkle.Hash {
	var buf [512]byte
	return merkle.LeafHash(append(append(buf[:0], l.leaves[i]...), digest[:]...))
}

// FirstDifference names the first tensor whose digests differ, FrozenName for those that are frozen, or returns "" if all are equal.
func (l *Layout) FirstDifference(a, b []merkle.Hash) string {
	for i := range l.leaves {
		switch {
		case a[i] == b[i]:
		case i < len(l.specs):
			return l.specs[i].Name
		default:
			return FrozenName
		}
	}
	return ""
}

// FrozenName stands for all frozen tensors where a tensor is named.
const FrozenName = "frozen"
