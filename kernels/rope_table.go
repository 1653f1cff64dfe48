package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// RopeTable is cosine and sine of the angles that positions turn by, contract.md section 7.10: position p, counted from Offset,
// turns pair i by p*Frequencies[i] radians. The shape has all that the table follows from, so that nobody supplies it.
//
//	-> cos[Positions,Pairs], sin[Positions,Pairs]
type RopeTable struct {
	Positions, Offset int
	Frequencies       Frequencies
}

// Frequencies are binary32 numbers, radians for each position. They are a string because shapes are compared.
type Frequencies string

// NewFrequencies packs a list.
func NewFrequencies(list []float32) Frequencies {
	var b []byte
	for _, f := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return Frequencies(b)
}

// Len is how many there are.
func (f Frequencies) Len() int { return len(f) / 4 }

// At is frequency i.
func (f Frequencies) At(i int) float32 {
	b := f[4*i : 4*i+4]
	return math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
}

// String is their bits.
func (f Frequencies) String() string {
	var s strings.Builder
	for i := range f.Len() {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, "%08x", math.Float32bits(f.At(i)))
	}
	return s.String()
}

// MaxPosition is the number of positions that binary32 counts.
const MaxPosition = 1 << 24

func (o RopeTable) Name() string { return "rope_table" }
func (o RopeTable) Operands() []Operand {
	n := o.Positions * o.Frequencies.Len()
	return []Operand{{"cos", F32, n, Out}, {"sin", F32, n, Out}}
}

func (o RopeTable) check() error {
	if len(o.Frequencies)%4 != 0 {
		return fmt.Errorf("rope_table: Frequencies has %d bytes, not a multiple of 4", len(o.Frequencies))
	}
	if o.Positions > MaxPosition || o.Offset > MaxPosition-o.Positions {
		return fmt.Errorf("rope_table: position %d is not below %d", o.Offset+o.Positions-1, MaxPosition)
	}
	return nil
}

func (o RopeTable) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Positions, 64*o.Frequencies.Len()))
}
func (o RopeTable) piece(_ *worker, _, i int, b []Buf) {
	n := o.Frequencies.Len()
	lo, hi := rowRange(i, o.Positions, 64*n)
	for p := lo; p < hi; p++ {
		cos, sin := b[0].F[p*n:(p+1)*n], b[1].F[p*n:(p+1)*n]
		for j := range n {
			sin[j], cos[j] = sinCos(float32(float32(o.Offset+p) * o.Frequencies.At(j)))
		}
	}
}
