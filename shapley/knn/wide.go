package knn

import (
	"math/big"
	"math/bits"
)

// wide is a signed integer of 256 bits, the lowest word first, modulo 2^256. A regression's sums have at most 2^217:
// 24 bits each for rows and neighbours, 54 for a sum of two targets, all squared, and 61 for the tables and the test rows.
type wide [4]uint64

func wideOf(x int64) wide {
	s := uint64(x >> 63)
	return wide{uint64(x), s, s, s}
}

func (a wide) plus(b wide) (sum wide) {
	var c uint64
	sum[0], c = bits.Add64(a[0], b[0], 0)
	sum[1], c = bits.Add64(a[1], b[1], c)
	sum[2], c = bits.Add64(a[2], b[2], c)
	sum[3], _ = bits.Add64(a[3], b[3], c)
	return sum
}

func (a wide) minus(b wide) (difference wide) {
	var c uint64
	difference[0], c = bits.Sub64(a[0], b[0], 0)
	difference[1], c = bits.Sub64(a[1], b[1], c)
	difference[2], c = bits.Sub64(a[2], b[2], c)
	difference[3], _ = bits.Sub64(a[3], b[3], c)
	return difference
}

func (a wide) times(b int64) wide {
	m := uint64(max(b, -b)) // that of the least int64 is its own
	h0, p0 := bits.Mul64(a[0], m)
	h1, p1 := bits.Mul64(a[1], m)
	h2, p2 := bits.Mul64(a[2], m)
	p3 := a[3] * m
	var c uint64
	p1, c = bits.Add64(p1, h0, 0)
	p2, c = bits.Add64(p2, h1, c)
	p3, _ = bits.Add64(p3, h2, c)
	p := wide{p0, p1, p2, p3}
	if b < 0 {
		return wide{}.minus(p)
	}
	return p
}

// big is the same number.
func (a wide) big() *big.Int {
	negative := int64(a[3]) < 0
	if negative {
		a = wide{}.minus(a)
	}
	x, word := new(big.Int), new(big.Int)
	for i := len(a) - 1; i >= 0; i-- {
		x.Lsh(x, 64).Or(x, word.SetUint64(a[i]))
	}
	if negative {
		x.Neg(x)
	}
	return x
}
