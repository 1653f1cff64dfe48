package proofs

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
)

// Uint128 is an unsigned integer of 128 bits. The zero value is 0.
type Uint128 struct{ Hi, Lo uint64 }

// Int128 is a signed integer of 128 bits in two's complement. The zero value
// is 0.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Uint returns v as a Uint128.
func Uint(v uint64) Uint128 { return Uint128{Lo: v} }

// Int returns v as an Int128.
func Int(v int64) Int128 { return Int128{Hi: v >> 63, Lo: uint64(v)} }

// ParseUint128 reads a decimal number from 0 to 2^128-1, without sign, spaces
// or leading zeros.
func ParseUint128(s string) (Uint128, error) {
	b, err := parseDecimal(s)
	if err != nil {
		return Uint128{}, err
	}
	if b.Sign() < 0 || b.BitLen() > 128 {
		return Uint128{}, fmt.Errorf("%s is outside 0..2^128-1", s)
	}
	var raw [16]byte
	b.FillBytes(raw[:])
	return Uint128{binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])}, nil
}

// ParseInt128 reads a decimal number from -2^127 to 2^127-1, without spaces,
// plus sign or leading zeros.
func ParseInt128(s string) (Int128, error) {
	b, err := parseDecimal(s)
	if err != nil {
		return Int128{}, err
	}
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	if b.Cmp(limit) >= 0 || b.Cmp(new(big.Int).Neg(limit)) < 0 {
		return Int128{}, fmt.Errorf("%s is outside -2^127..2^127-1", s)
	}
	if b.Sign() < 0 {
		b.Add(b, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	var raw [16]byte
	b.FillBytes(raw[:])
	return Int128{int64(binary.BigEndian.Uint64(raw[:8])), binary.BigEndian.Uint64(raw[8:])}, nil
}

// parseDecimal reads the one decimal form of an integer of at most 40 digits.
func parseDecimal(s string) (*big.Int, error) {
	b, ok := new(big.Int), false
	if len(s) <= 40 {
		b, ok = b.SetString(s, 10)
	}
	if !ok || b.String() != s {
		return nil, fmt.Errorf("%.50q is not a decimal integer in its shortest form", s)
	}
	return b, nil
}

// Cmp is -1, 0 or 1 as u is less than, equal to or greater than v.
func (u Uint128) Cmp(v Uint128) int {
	switch {
	case u == v:
		return 0
	case u.Hi < v.Hi || u.Hi == v.Hi && u.Lo < v.Lo:
		return -1
	}
	return 1
}

// Add returns u+v, and false if that is more than 128 bits hold.
func (u Uint128) Add(v Uint128) (Uint128, bool) {
	lo, carry := bits.Add64(u.Lo, v.Lo, 0)
	hi, over := bits.Add64(u.Hi, v.Hi, carry)
	return Uint128{hi, lo}, over == 0
}

// String is u in decimal.
func (u Uint128) String() string {
	b := new(big.Int).SetUint64(u.Hi)
	b.Lsh(b, 64)
	return b.Or(b, new(big.Int).SetUint64(u.Lo)).String()
}

// String is i in decimal.
func (i Int128) String() string {
	b := big.NewInt(i.Hi)
	b.Lsh(b, 64)
	return b.Add(b, new(big.Int).SetUint64(i.Lo)).String()
}
