package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
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
	tables map[string]bool // the constants that the file has
	labels int
}

// value is one vector, in a register or in memory, that all chains share, or one for each chain.
//
// Most of these functions are one long chain of dependent instructions. Several chains side by side,
// an instruction of each in turn, keep the arithmetic units busy where a processor's schedulers are
// too small to find the next chain by themselves.
type value []operand.Op

// at is the value in chain i.
func (v value) at(i int) operand.Op {
	if len(v) == 1 {
		return v[0]
	}
	return v[i]
}

// reg is the register of a value that all chains share.
func (v value) reg() reg.VecVirtual { return v[0].(reg.VecVirtual) }

// mask is the result of a comparison, for each chain: a vector of all-ones and all-zeros with AVX2,
// a mask register with AVX-512.
type mask []reg.Register

func newAsm(i isa) *asm {
	return &asm{Context: build.NewContext(), isa: i, tables: map[string]bool{}}
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

// table is a constant in memory, written where it is first asked for.
func (a *asm) table(name string, words []uint64) operand.Mem {
	if !a.tables[name] {
		a.tables[name] = true
		a.StaticGlobal(name)
		a.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, w := range words {
			a.AppendDatum(operand.U64(w))
		}
	}
	return operand.NewDataAddr(operand.Symbol{Name: name, Static: true}, 0)
}

// bits is the vector with u in every lane, in memory.
func (a *asm) bits(u uint32) value {
	return value{a.table(fmt.Sprintf("all%08x", u), repeated(uint64(u)<<32|uint64(u), a.lanes/2))}
}

func repeated(u uint64, n int) []uint64 {
	s := make([]uint64, n)
	for i := range s {
		s[i] = u
	}
	return s
}

// f is the vector with x in every lane, in memory.
func (a *asm) f(x float32) value { return a.bits(math.Float32bits(x)) }

// load brings a value into registers.
func (a *asm) load(x value) value {
	d := make(value, len(x))
	for i := range x {
		d[i] = x[i]
		if operand.IsMem(x[i]) {
			r := a.vec()
			a.VMOVUPS(x[i], r)
			d[i] = r
		}
	}
	return d
}

// binary emits d = x op y; memory may only be the second operand.
func (a *asm) binary(op func(...operand.Op), x, y value) value {
	x = a.load(x)
	d := make(value, max(len(x), len(y)))
	for i := range d {
		r := a.vec()
		op(y.at(i), x.at(i), r)
		d[i] = r
	}
	return d
}

// commutative lets a constant be either operand.
func (a *asm) commutative(op func(...operand.Op), x, y value) value {
	if operand.IsMem(x[0]) {
		x, y = y, x
	}
	return a.binary(op, x, y)
}

// unary emits d = op x.
func (a *asm) unary(op func(...operand.Op), x value) value {
	d := make(value, len(x))
	for i := range d {
		r := a.vec()
		op(x[i], r)
		d[i] = r
	}
	return d
}

func (a *asm) add(x, y value) value { return a.commutative(a.VADDPS, x, y) }
func (a *asm) sub(x, y value) value { return a.binary(a.VSUBPS, x, y) }
func (a *asm) mul(x, y value) value { return a.commutative(a.VMULPS, x, y) }
func (a *asm) div(x, y value) value { return a.binary(a.VDIVPS, x, y) }
func (a *asm) and(x, y value) value { return a.commutative(a.VANDPS, x, y) }
func (a *asm) or(x, y value) value  { return a.commutative(a.VORPS, x, y) }
func (a *asm) xor(x, y value) value { return a.commutative(a.VXORPS, x, y) }

func (a *asm) sqrt(x value) value { return a.unary(a.VSQRTPS, x) }

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
	return a.binary(func(ops ...operand.Op) { op(operand.U8(n), ops[1], ops[2]) }, x, value{nil})
}

func (a *asm) shiftLeft(x value, n uint8) value       { return a.shift(a.VPSLLD, x, n) }
func (a *asm) shiftRightArith(x value, n uint8) value { return a.shift(a.VPSRAD, x, n) }

// The predicates of VCMPPS, all quiet.
const (
	unordered = 3
	notEqual  = 4
	less      = 17
	lessEqual = 18
	greater   = 30
)

// maskRegister allocates a register for a mask.
func (a *asm) maskRegister() reg.Register {
	if a.wide() {
		return a.K()
	}
	return a.vec()
}

// either is the union of two masks.
func (a *asm) either(x, y mask) mask {
	m := make(mask, len(x))
	for i := range m {
		m[i] = a.maskRegister()
		if a.wide() {
			a.KORW(x[i], y[i], m[i])
		} else {
			a.VORPS(x[i], y[i], m[i])
		}
	}
	return m
}

// compare is the mask of x op y. NaN compares false, except that it is unordered.
func (a *asm) compare(predicate uint8, x, y value) mask {
	x = a.load(x)
	m := make(mask, max(len(x), len(y)))
	for i := range m {
		m[i] = a.maskRegister()
		a.VCMPPS(operand.U8(predicate), y.at(i), x.at(i), m[i])
	}
	return m
}

// choose is yes where the mask is set and no elsewhere.
func (a *asm) choose(m mask, yes, no value) value {
	no = a.load(no)
	d := make(value, max(len(m), len(yes), len(no)))
	for i := range d {
		r, k := a.vec(), m[min(i, len(m)-1)]
		if a.wide() {
			a.VBLENDMPS(yes.at(i), no.at(i), k, r)
		} else {
			a.VBLENDVPS(k, yes.at(i), no.at(i), r)
		}
		d[i] = r
	}
	return d
}
