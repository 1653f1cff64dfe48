package kernels

import (
	"math"
	"math/bits"
)

// Philox4x32 is Philox4x32-10: four random words from a counter and a key (Salmon, Moraes, Dror and
// Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). contract.md section 8.1.
func Philox4x32(ctr [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, ctr[0])
		h1, l1 := bits.Mul32(0xCD9E8D57, ctr[2])
		ctr = [4]uint32{h1 ^ ctr[1] ^ key[0], l1, h0 ^ ctr[3] ^ key[1], l0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return ctr
}

// stream is the sequence of random words of one operator in one step.
type stream struct {
	key  [2]uint32 // the seed, low word first
	op   uint32    // the operator's number in its program
	step uint32    // the counter
}

// newStream reads an rng operand.
func newStream(rng []int32, op uint32) stream {
	return stream{[2]uint32{uint32(rng[0]), uint32(rng[1])}, op, uint32(rng[2])}
}

// words are words 4*at to 4*at+3.
func (s stream) words(at uint64) [4]uint32 {
	return Philox4x32([4]uint32{uint32(at), uint32(at >> 32), s.op, s.step}, s.key)
}

// fields are s as an inner loop takes it, in the order above.
func (s stream) fields() [4]uint32 { return [4]uint32{s.key[0], s.key[1], s.op, s.step} }

// streamOf is the stream of such fields.
func streamOf(f [4]uint32) stream { return stream{[2]uint32{f[0], f[1]}, f[2], f[3]} }

// Uniform is uniform on [Lo, Hi), contract.md section 8.2. OpID separates the operators of one
// program.
//
//	rng[4] (I32) = {seed low, seed high, counter, 0} -> y[N]
type Uniform struct {
	N      int
	Lo, Hi float32
	OpID   uint32
}

func (o Uniform) Name() string { return "uniform" }
func (o Uniform) Operands() []Operand {
	return []Operand{{"rng", I32, 4, In}, {"y", F32, o.N, Out}}
}
func (o Uniform) kernel() Kernel {
	return Kernel{"drn1_uniform", []uint32{math.Float32bits(o.Lo), math.Float32bits(o.Hi - o.Lo), o.OpID}}
}
func (o Uniform) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Uniform) piece(_ *worker, _, i int, b []Buf) {
	s := newStream(b[0].I, o.OpID)
	lo, hi := elementRange(i, o.N)
	width := o.Hi - o.Lo
	var r [4]uint32
	for j := lo; j < hi; j++ {
		if j&3 == 0 {
			r = s.words(uint64(j) >> 2)
		}
		u := float32(float32(r[j&3]>>8) * 0x1p-24)
		b[1].F[j] = mad(u, width, o.Lo)
	}
}
