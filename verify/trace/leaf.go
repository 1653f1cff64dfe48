package trace

import (
	"encoding/binary"
	"math"

	"github.com/verifyd/verifyd/verify/merkle"
)

// LeafSize is the size of an encoded leaf in bytes.
const LeafSize = 8 + 4*merkle.Size + 4 + 4

// Leaf is the record of one step.
type Leaf struct {
	Step     uint64
	State    merkle.Hash // root of the state before the step
	Batch    merkle.Hash // root over the leaf hashes of the step's samples
	Gradient merkle.Hash // root of the gradients before clipping
	Next     merkle.Hash // root of the state after the step
	Clip     uint32      // bits of the clip coefficient
	Loss     uint32      // bits of the loss
}

// Append appends the encoding of l: its fields in order, integers little-endian.
func (l *Leaf) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, l.Step)
	for _, h := range []*merkle.Hash{&l.State, &l.Batch, &l.Gradient, &l.Next} {
		b = append(b, h[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, l.Clip)
	return binary.LittleEndian.AppendUint32(b, l.Loss)
}

// Hash returns the leaf hash of l in the claim's tree.
func (l *Leaf) Hash() merkle.Hash {
	var buf [LeafSize]byte
	return merkle.LeafHash(l.Append(buf[:0]))
}

// Finite says that loss and clip coefficient are finite numbers.
func (l *Leaf) Finite() bool { return finite(l.Loss) && finite(l.Clip) }

func finite(bits uint32) bool {
	const exponent = 0x7f800000
	return bits&exponent != exponent
}

// LossValue is the loss as a number.
func (l *Leaf) LossValue() float32 { return math.Float32frombits(l.Loss) }

// decodeLeaf reads LeafSize bytes.
func decodeLeaf(b []byte) Leaf {
	l := Leaf{Step: binary.LittleEndian.Uint64(b)}
	b = b[8:]
	for _, h := range []*merkle.Hash{&l.State, &l.Batch, &l.Gradient, &l.Next} {
		b = b[copy(h[:], b):]
	}
	l.Clip, l.Loss = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	return l
}
