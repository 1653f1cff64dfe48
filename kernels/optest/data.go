package optest

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// source is SplitMix64 (Steele, Lea, Flood 2014), a generator that shares nothing with the
// operators under test. The zero value is seed 0.
type source uint64

func (s *source) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns an integer in [0,n) for n up to 2^32. Its bias is at most 2^-32.
func (s *source) below(n int) int { return int(s.next() >> 32 * uint64(n) >> 32) }

// between returns an integer in [lo,hi].
func (s *source) between(lo, hi int) int { return lo + s.below(hi-lo+1) }

// Class is a kind of input data.
type Class uint8

// The classes of data. Every one is drawn with integer arithmetic and exact conversions only, so
// that a seed means the same bits on every machine.
const (
	Normal      Class = iota // near a standard normal: twelve uniforms
	Zeros                    // +0 everywhere
	SignedZeros              // +0, -0 and a few ordinary numbers
	Subnormals               // subnormals and the smallest normals
	Infinities               // one in sixteen is an infinity
	NaNs                     // one in sixteen is a NaN, quiet or signalling, any payload
	Wide                     // exponents over the whole finite range
	Ties                     // few significant bits: sums and products that often lie halfway
	Constant                 // one ordinary number everywhere
	AnyBits                  // every bit pattern is as likely as any other
	classes
)

var classNames = [classes]string{
	"normal", "zeros", "signedzeros", "subnormals", "infinities", "nans", "wide", "ties", "constant", "anybits",
}

func (c Class) String() string { return classNames[c] }

// Classes lists all classes of data.
func Classes() []Class {
	all := make([]Class, classes)
	for i := range all {
		all[i] = Class(i)
	}
	return all
}

// normal is a sum of twelve 16-bit uniforms, centred and scaled to variance 1.
func (s *source) normal() float32 {
	sum := int32(-6 * 65536)
	for range 3 {
		w := s.next()
		sum += int32(w&0xffff) + int32(w>>16&0xffff) + int32(w>>32&0xffff) + int32(w>>48)
	}
	return float32(float32(sum) * (1.0 / 65536))
}

// float draws one number of class c.
func (s *source) float(c Class) float32 {
	w := s.next()
	sign := uint32(w) & 1 << 31
	rare := w>>8&15 == 0
	switch c {
	case Zeros:
		return 0
	case SignedZeros:
		if !rare {
			return math.Float32frombits(uint32(w>>32) & (1 << 31))
		}
	case Subnormals:
		return math.Float32frombits(uint32(w>>32)&(1<<31) | uint32(w)&0x00ffffff)
	case Infinities:
		if rare {
			return math.Float32frombits(uint32(w>>32)&(1<<31) | 0x7f800000)
		}
	case NaNs:
		if rare {
			return math.Float32frombits(uint32(w>>32) | 0x7f800001)
		}
	case Wide:
		exponent := uint32(s.below(255))
		return math.Float32frombits(sign | exponent<<23 | uint32(w>>40)&0x7fffff)
	case Ties:
		exponent := uint32(127 + s.between(-13, 13))
		return math.Float32frombits(uint32(w>>32)&(1<<31) | exponent<<23 | uint32(w>>36&7)<<20 | uint32(w>>40&1)<<11)
	case AnyBits:
		return math.Float32frombits(uint32(w >> 32))
	}
	return s.normal()
}

// floats fills x with class c.
func (s *source) floats(x []float32, c Class) {
	constant := s.normal()
	for i := range x {
		if c == Constant {
			x[i] = constant
		} else {
			x[i] = s.float(c)
		}
	}
}

// indices fills x with integers in [0,n); with class AnyBits, one in eight lies outside.
func (s *source) indices(x []int32, n int, c Class) {
	for i := range x {
		x[i] = int32(s.below(n))
		if c == AnyBits && s.below(8) == 0 {
			x[i] = []int32{-1, int32(n), math.MinInt32, math.MaxInt32}[s.below(4)]
		}
	}
}

// words fills x with arbitrary bits.
func (s *source) words(x []int32) {
	for i := range x {
		x[i] = int32(uint32(s.next()))
	}
}

// canonical is the bit pattern that is compared and hashed: every NaN is 0x7fc00000.
func canonical(f float32) uint32 {
	if f != f {
		return 0x7fc00000
	}
	return math.Float32bits(f)
}

// length is the number of elements of b.
func length(b kernels.Buf) int { return len(b.F) + len(b.I) }

// permutation fills x with its indices in some order.
func (s *source) permutation(x []int32) {
	for i := range x {
		x[i] = int32(i)
	}
	for i := len(x) - 1; i > 0; i-- {
		j := s.below(i + 1)
		x[i], x[j] = x[j], x[i]
	}
}
