package interpreter

import (
	"math"
	"math/bits"
)

// lanes are one register of a warp: 32 bits or fewer a thread, and lanes2 64. Floats and predicates are lanes.
type (
	lanes  [32]uint32
	lanes2 [32]uint64
)

// operation is what an opcode does to all lanes of its registers. The letters of kinds say which operands are 64 bits wide (w) and
// which 32 (n), the destination first.
type operation struct {
	kinds string
	n     func(d, a, b, c *lanes)         // n, nn, nnn, nnnn
	w     func(d, a, b *lanes2)           // w, ww, www
	up    func(d *lanes2, a, b *lanes)    // wn, wnn
	down  func(d *lanes, a, b *lanes2)    // nw, nww
	mixed func(d, a, b *lanes2, c *lanes) // wwn (c), wwwn
	field func(d, a *lanes2, b, c *lanes) // wwnn
}

func each(f func(a, b, c uint32) uint32) func(d, a, b, c *lanes) {
	return func(d, a, b, c *lanes) {
		for i := range d {
			d[i] = f(a[i], b[i], c[i])
		}
	}
}

func each64(f func(a, b uint64) uint64) func(d, a, b *lanes2) {
	return func(d, a, b *lanes2) {
		for i := range d {
			d[i] = f(a[i], b[i])
		}
	}
}

func one(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func unary(f func(a, b, c uint32) uint32) operation   { return operation{kinds: "nn", n: each(f)} }
func binary(f func(a, b, c uint32) uint32) operation  { return operation{kinds: "nnn", n: each(f)} }
func ternary(f func(a, b, c uint32) uint32) operation { return operation{kinds: "nnnn", n: each(f)} }
func binary64(f func(a, b uint64) uint64) operation   { return operation{kinds: "www", w: each64(f)} }

// operations is the reviewed list: every opcode that computes.
func operations() map[string]operation {
	move := operation{kinds: "nn", n: func(d, a, _, _ *lanes) { *d = *a }}
	move64 := operation{kinds: "ww", w: func(d, a, _ *lanes2) { *d = *a }}
	and := binary(func(a, b, _ uint32) uint32 { return a & b })
	or := binary(func(a, b, _ uint32) uint32 { return a | b })
	xor := binary(func(a, b, _ uint32) uint32 { return a ^ b })
	sel := operation{kinds: "nnnn", n: func(d, a, b, c *lanes) {
		for i := range d {
			if c[i] != 0 {
				d[i] = a[i]
			} else {
				d[i] = b[i]
			}
		}
	}}
	all := map[string]operation{
		"fma.rn.f32": {kinds: "nnnn", n: func(d, a, b, c *lanes) {
			for i := range d {
				d[i] = bitsOf(fma(number(a[i]), number(b[i]), number(c[i])))
			}
		}},
		"add.rn.f32": {kinds: "nnn", n: func(d, a, b, _ *lanes) {
			for i := range d {
				d[i] = bitsOf(number(a[i]) + number(b[i]))
			}
		}},
		"mul.rn.f32": {kinds: "nnn", n: func(d, a, b, _ *lanes) {
			for i := range d {
				d[i] = bitsOf(float32(number(a[i]) * number(b[i])))
			}
		}},
		"sub.rn.f32":     binary(func(a, b, _ uint32) uint32 { return bitsOf(number(a) - number(b)) }),
		"div.rn.f32":     binary(func(a, b, _ uint32) uint32 { return bitsOf(number(a) / number(b)) }),
		"sqrt.rn.f32":    unary(func(a, _, _ uint32) uint32 { return bitsOf(float32(math.Sqrt(float64(number(a))))) }),
		"neg.f32":        unary(func(a, _, _ uint32) uint32 { return a ^ 1<<31 }),
		"abs.f32":        unary(func(a, _, _ uint32) uint32 { return a &^ (1 << 31) }),
		"cvt.rn.f32.s32": unary(func(a, _, _ uint32) uint32 { return bitsOf(float32(int32(a))) }),
		"cvt.rn.f32.u32": unary(func(a, _, _ uint32) uint32 { return bitsOf(float32(a)) }),

		"add.s32": {kinds: "nnn", n: func(d, a, b, _ *lanes) {
			for i := range d {
				d[i] = a[i] + b[i]
			}
		}},
		"sub.s32":    binary(func(a, b, _ uint32) uint32 { return a - b }),
		"mul.lo.s32": binary(func(a, b, _ uint32) uint32 { return a * b }),
		"mul.hi.u32": binary(func(a, b, _ uint32) uint32 { return uint32(uint64(a) * uint64(b) >> 32) }),
		"mad.lo.s32": ternary(func(a, b, c uint32) uint32 { return a*b + c }),
		"neg.s32":    unary(func(a, _, _ uint32) uint32 { return -a }),
		"not.b32":    unary(func(a, _, _ uint32) uint32 { return ^a }),
		"not.pred":   unary(func(a, _, _ uint32) uint32 { return a ^ 1 }),
		"min.s32":    binary(func(a, b, _ uint32) uint32 { return uint32(min(int32(a), int32(b))) }),
		"max.s32":    binary(func(a, b, _ uint32) uint32 { return uint32(max(int32(a), int32(b))) }),
		"min.u32":    binary(func(a, b, _ uint32) uint32 { return min(a, b) }),
		"max.u32":    binary(func(a, b, _ uint32) uint32 { return max(a, b) }),
		"div.s32":    binary(func(a, b, _ uint32) uint32 { return quotient(a, b) }),
		"rem.s32":    binary(func(a, b, _ uint32) uint32 { return a - quotient(a, b)*b }),
		"div.u32":    binary(func(a, b, _ uint32) uint32 { return quotientU(a, b) }),
		"rem.u32":    binary(func(a, b, _ uint32) uint32 { return a - quotientU(a, b)*b }),
		"shl.b32":    binary(func(a, b, _ uint32) uint32 { return a << b }),
		"shr.u32":    binary(func(a, b, _ uint32) uint32 { return a >> b }),
		"shr.s32":    binary(func(a, b, _ uint32) uint32 { return uint32(int32(a) >> b) }),
		"shf.l.wrap.b32": ternary(func(a, b, c uint32) uint32 {
			return uint32((uint64(b)<<32 | uint64(a)) << (c & 31) >> 32)
		}),
		"bfe.u32":      ternary(func(a, b, c uint32) uint32 { return a >> (b & 0xff) & (1<<(c&0xff) - 1) }),
		"clz.b32":      unary(func(a, _, _ uint32) uint32 { return uint32(bits.LeadingZeros32(a)) }),
		"popc.b32":     unary(func(a, _, _ uint32) uint32 { return uint32(bits.OnesCount32(a)) }),
		"cvt.u16.u32":  unary(func(a, _, _ uint32) uint32 { return a & 0xffff }),
		"cvt.u32.u16":  unary(func(a, _, _ uint32) uint32 { return a }),
		"cvt.s32.s16":  unary(func(a, _, _ uint32) uint32 { return uint32(int32(int16(a))) }),
		"shr.u16":      binary(func(a, b, _ uint32) uint32 { return a >> b }),
		"add.s16":      binary(func(a, b, _ uint32) uint32 { return (a + b) & 0xffff }),
		"mul.wide.u16": binary(func(a, b, _ uint32) uint32 { return a * b }),

		"add.s64":    binary64(func(a, b uint64) uint64 { return a + b }),
		"min.s64":    binary64(func(a, b uint64) uint64 { return uint64(min(int64(a), int64(b))) }),
		"sub.s64":    binary64(func(a, b uint64) uint64 { return a - b }),
		"mul.lo.s64": binary64(func(a, b uint64) uint64 { return a * b }),
		"and.b64":    binary64(func(a, b uint64) uint64 { return a & b }),
		"or.b64":     binary64(func(a, b uint64) uint64 { return a | b }),
		"xor.b64":    binary64(func(a, b uint64) uint64 { return a ^ b }),
		"mul.wide.u32": {kinds: "wnn", up: func(d *lanes2, a, b *lanes) {
			for i := range d {
				d[i] = uint64(a[i]) * uint64(b[i])
			}
		}},
		"mul.wide.s32": {kinds: "wnn", up: func(d *lanes2, a, b *lanes) {
			for i := range d {
				d[i] = uint64(int64(int32(a[i])) * int64(int32(b[i])))
			}
		}},
		"cvt.u64.u32": {kinds: "wn", up: func(d *lanes2, a, _ *lanes) {
			for i := range d {
				d[i] = uint64(a[i])
			}
		}},
		"cvt.s64.s32": {kinds: "wn", up: func(d *lanes2, a, _ *lanes) {
			for i := range d {
				d[i] = uint64(int64(int32(a[i])))
			}
		}},
		"cvt.u32.u64": {kinds: "nw", down: func(d *lanes, a, _ *lanes2) {
			for i := range d {
				d[i] = uint32(a[i])
			}
		}},
		// The upper half of 64 bits, which PTX writes as a mov.b64 into a pair.
		"mov.high": {kinds: "nw", down: func(d *lanes, a, _ *lanes2) {
			for i := range d {
				d[i] = uint32(a[i] >> 32)
			}
		}},
		"shl.b64": {kinds: "wwn", mixed: func(d, a, _ *lanes2, c *lanes) {
			for i := range d {
				d[i] = a[i] << c[i]
			}
		}},
		"shr.u64": {kinds: "wwn", mixed: func(d, a, _ *lanes2, c *lanes) {
			for i := range d {
				d[i] = a[i] >> c[i]
			}
		}},
		"shr.s64": {kinds: "wwn", mixed: func(d, a, _ *lanes2, c *lanes) {
			for i := range d {
				d[i] = uint64(int64(a[i]) >> c[i])
			}
		}},
		"bfe.u64": {kinds: "wwnn", field: func(d, a *lanes2, b, c *lanes) {
			for i := range d {
				d[i] = a[i] >> (b[i] & 0xff) & (1<<(c[i]&0xff) - 1)
			}
		}},
		"selp.b64": {kinds: "wwwn", mixed: func(d, a, b *lanes2, c *lanes) {
			for i := range d {
				if c[i] != 0 {
					d[i] = a[i]
				} else {
					d[i] = b[i]
				}
			}
		}},
	}
	for _, t := range []string{"b16", "b32", "pred"} {
		all["and."+t], all["or."+t], all["xor."+t] = and, or, xor
	}
	for _, t := range []string{"b16", "b32", "u16", "u32", "s32", "f32", "pred"} {
		all["mov."+t], all["selp."+t] = move, sel
	}
	for _, op := range []string{"mov.b64", "mov.u64", "cvta.global.u64", "cvta.to.global.u64"} {
		all[op] = move64
	}
	all["add.u64"], all["selp.u64"] = all["add.s64"], all["selp.b64"]
	all["add.u32"], all["mul.lo.u32"] = all["add.s32"], all["mul.lo.s32"]
	compare(all)
	return all
}

// compare adds the comparisons. An ordered one is false where an operand is NaN, one that ends in u is true.
func compare(all map[string]operation) {
	orders := map[string]func(less, equal bool) bool{
		"eq": func(_, equal bool) bool { return equal }, "ne": func(_, equal bool) bool { return !equal },
		"lt": func(less, _ bool) bool { return less }, "le": func(less, equal bool) bool { return less || equal },
		"gt": func(less, equal bool) bool { return !less && !equal }, "ge": func(less, _ bool) bool { return !less },
	}
	for name, holds := range orders {
		unsigned := binary(func(a, b, _ uint32) uint32 { return one(holds(a < b, a == b)) })
		signed := binary(func(a, b, _ uint32) uint32 { return one(holds(int32(a) < int32(b), a == b)) })
		all["setp."+name+".u32"], all["setp."+name+".s32"] = unsigned, signed
		all["setp."+name+".b32"], all["setp."+name+".b16"], all["setp."+name+".u16"] = unsigned, unsigned, unsigned
		unsigned64 := operation{kinds: "nww", down: func(d *lanes, a, b *lanes2) {
			for i := range d {
				d[i] = one(holds(a[i] < b[i], a[i] == b[i]))
			}
		}}
		all["setp."+name+".u64"], all["setp."+name+".b64"] = unsigned64, unsigned64
		all["setp."+name+".s64"] = operation{kinds: "nww", down: func(d *lanes, a, b *lanes2) {
			for i := range d {
				d[i] = one(holds(int64(a[i]) < int64(b[i]), a[i] == b[i]))
			}
		}}
		all["setp."+name+".f32"] = binary(func(a, b, _ uint32) uint32 {
			x, y := number(a), number(b)
			return one(x == x && y == y && holds(x < y, x == y))
		})
		all["setp."+name+"u.f32"] = binary(func(a, b, _ uint32) uint32 {
			x, y := number(a), number(b)
			return one(x != x || y != y || holds(x < y, x == y))
		})
	}
	all["setp.nan.f32"] = binary(func(a, b, _ uint32) uint32 { return one(number(a) != number(a) || number(b) != number(b)) })
	all["setp.num.f32"] = binary(func(a, b, _ uint32) uint32 { return one(number(a) == number(a) && number(b) == number(b)) })
}

// quotient is the signed a/b. A division by zero, whose result PTX leaves open, gives all ones.
func quotient(a, b uint32) uint32 {
	if b == 0 {
		return math.MaxUint32
	}
	return uint32(int32(a) / int32(b))
}

func quotientU(a, b uint32) uint32 {
	if b == 0 {
		return math.MaxUint32
	}
	return a / b
}
