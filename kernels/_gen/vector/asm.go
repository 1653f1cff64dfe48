package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set: the templates are the same for both, only the width differs.
type isa struct {
	name  string
	lanes int // binary32 elements in a vector
}

var (
	avx2   = isa{"AVX2", 8}
	avx512 = isa{"AVX512", 16}
)

// asm writes the functions of one file.
//
// A value is a vector register or a constant in memory. Every method that returns a value emits one
// instruction into a fresh register, so a template reads as the Go loop that it equals. There is no
// fused multiply-add here, and there must never be one: DRN-1 rounds every product.
type asm struct {
	*build.Context
	isa
	constants map[uint32]operand.Mem
	order     []uint32
	labels    int
	usesFirst bool
}

type value = operand.Op

// mask is the result of a comparison: a vector of all-ones and all-zeros with AVX2, a mask register
// with AVX-512.
type mask = reg.Register

func newAsm(i isa) *asm {
	return &asm{Context: build.NewContext(), isa: i, constants: map[uint32]operand.Mem{}}
}

func (a *asm) wide() bool { return a.lanes == 16 }

// bytes is the size of a vector.
func (a *asm) bytes() int { return 4 * a.lanes }

// vec allocates a vector register.
func (a *asm) vec() reg.VecVirtual {
	if a.wide() {
		return a.ZMM()
	}
	return a.YMM()
}

// bits is the vector with u in every lane, in memory.
func (a *asm) bits(u uint32) value {
	m, ok := a.constants[u]
	if !ok {
		m = operand.NewDataAddr(operand.Symbol{Name: fmt.Sprintf("all%08x", u), Static: true}, 0)
		a.constants[u] = m
		a.order = append(a.order, u)
	}
	return m
}

// f is the vector with x in every lane, in memory.
func (a *asm) f(x float32) value { return a.bits(math.Float32bits(x)) }

// reg brings a value into a register.
func (a *asm) reg(x value) reg.Register {
	if r, ok := x.(reg.Register); ok {
		return r
	}
	r := a.vec()
	a.VMOVUPS(x, r)
	return r
}

// copy is x in a register of its own.
func (a *asm) copy(x value) reg.Register {
	r := a.vec()
	a.VMOVUPS(x, r)
	return r
}

// binary emits d = x op y; memory may only be the second operand.
func (a *asm) binary(op func(...operand.Op), x, y value) value {
	d := a.vec()
	op(y, a.reg(x), d)
	return d
}

// commutative lets a constant be either operand.
func (a *asm) commutative(op func(...operand.Op), x, y value) value {
	if operand.IsMem(x) {
		x, y = y, x
	}
	return a.binary(op, x, y)
}

func (a *asm) add(x, y value) value { return a.commutative(a.VADDPS, x, y) }
func (a *asm) sub(x, y value) value { return a.binary(a.VSUBPS, x, y) }
func (a *asm) mul(x, y value) value { return a.commutative(a.VMULPS, x, y) }
func (a *asm) div(x, y value) value { return a.binary(a.VDIVPS, x, y) }
func (a *asm) and(x, y value) value { return a.commutative(a.VANDPS, x, y) }
func (a *asm) or(x, y value) value  { return a.commutative(a.VORPS, x, y) }
func (a *asm) xor(x, y value) value { return a.commutative(a.VXORPS, x, y) }

func (a *asm) sqrt(x value) value {
	d := a.vec()
	a.VSQRTPS(x, d)
	return d
}

// mad is float32(x*y) + z, two roundings.
func (a *asm) mad(x, y, z value) value { return a.add(a.mul(x, y), z) }

// poly is Horner's scheme by mad, from the highest coefficient down.
func (a *asm) poly(x value, first float32, rest ...float32) value {
	p := a.mad(x, a.f(first), a.f(rest[0]))
	for _, c := range rest[1:] {
		p = a.mad(p, x, a.f(c))
	}
	return p
}

// max is (x > y) ? x : y: exactly MAXPS with x as the first source, NaN and signed zero included.
func (a *asm) max(x, y value) value { return a.binary(a.VMAXPS, x, y) }

// min is (x < y) ? x : y: exactly MINPS with x as the first source.
func (a *asm) min(x, y value) value { return a.binary(a.VMINPS, x, y) }

func (a *asm) addInt(x, y value) value { return a.commutative(a.VPADDD, x, y) }
func (a *asm) subInt(x, y value) value { return a.binary(a.VPSUBD, x, y) }

// shift emits d = x shifted by the constant n.
func (a *asm) shift(op func(...operand.Op), x value, n uint8) value {
	d := a.vec()
	op(operand.U8(n), a.reg(x), d)
	return d
}

func (a *asm) shiftLeft(x value, n uint8) value       { return a.shift(a.VPSLLD, x, n) }
func (a *asm) shiftRight(x value, n uint8) value      { return a.shift(a.VPSRLD, x, n) }
func (a *asm) shiftRightArith(x value, n uint8) value { return a.shift(a.VPSRAD, x, n) }

// toFloat converts int32 lanes to the nearest float32.
func (a *asm) toFloat(x value) value {
	d := a.vec()
	a.VCVTDQ2PS(x, d)
	return d
}

// The predicates of VCMPPS, all quiet.
const (
	equal     = 0
	unordered = 3
	less      = 17
	greater   = 30
)

// compare is the mask of x op y. NaN compares false, except that it is unordered.
func (a *asm) compare(predicate uint8, x, y value) mask {
	var m mask
	if a.wide() {
		m = a.K()
	} else {
		m = a.vec()
	}
	a.VCMPPS(operand.U8(predicate), y, a.reg(x), m)
	return m
}

// choose is yes where the mask is set and no elsewhere.
func (a *asm) choose(m mask, yes, no value) value {
	d := a.vec()
	if a.wide() {
		a.VBLENDMPS(yes, a.reg(no), m, d)
	} else {
		a.VBLENDVPS(m, yes, a.reg(no), d)
	}
	return d
}
