package main

// The elementwise functions of DRN-1, contract.md section 5, an operation a line as in their Go
// references in exp.go, tanh.go, erf.go and so on. Both sides of a branch are computed, and the mask
// chooses.

// exp is that of exp.go. NaN needs no branch: it passes min and max, and NaN times a power of two is NaN.
func (a *asm) exp(x value) value {
	x = a.min(a.f(89), x)
	x = a.max(a.f(-104), x)
	t := a.mad(x, a.f(0x1.715476p0), a.f(12582912))
	n := a.sub(t, a.f(12582912))
	r := a.mad(n, a.f(-0x1.63p-1), x)
	r = a.mad(n, a.f(0x1.bd0106p-13), r)
	q := a.poly(r, 0x1.694c8ep-10, 0x1.12397ep-7, 0x1.555a26p-5, 0x1.555492p-3, 0x1.fffffap-2)
	y := a.add(a.f(1), a.mad(a.mul(r, r), q, r))
	// bits(t) is 0x4b400000 + k. The constant is even and its half has no bit that pow2 keeps, so that
	// the halves of k need not be freed of it.
	h := a.shiftRightArith(t, 1)
	return a.mul(a.mul(y, a.pow2(h)), a.pow2(a.subInt(t, h)))
}

// pow2 is 2^n for n in [-126, 127], of which it reads the 9 lowest bits.
func (a *asm) pow2(n value) value { return a.shiftLeft(a.addInt(n, a.bits(127)), 23) }

const (
	infinity = 0x7f800000
	minus    = 0x80000000
)

func (a *asm) neg(x value) value { return a.xor(x, a.bits(minus)) }

// again is an argument that is cheaper to compute again than to keep: with several chains side by
// side registers are scarce, and a second load or product costs little beside the chain.
type again func() value

// absOf is |x|.
func (a *asm) absOf(x again) value { return a.and(x(), a.bits(^uint32(minus))) }

// tanh is that of tanh.go. NaN takes the second side and stays NaN there.
func (a *asm) tanh(x again) value {
	e := a.exp(a.double(a.min(a.f(9.125), a.absOf(x))))
	far := a.sub(a.f(1), a.div(a.f(2), a.add(e, a.f(1))))
	v := a.absOf(x)
	u := a.mul(v, v)
	p := a.poly(u, 0x1.3acde6p-9, -0x1.1547fap-7, 0x1.656cb2p-6, -0x1.ba19acp-5, 0x1.111136p-3, -0x1.555556p-2)
	near := a.mad(a.mul(v, u), p, v)
	return a.withSign(a.choose(a.compare(less, v, a.f(0.625)), near, far), x)
}

func (a *asm) double(x value) value { return a.add(x, x) }

// withSign is y >= 0 with the sign of x.
func (a *asm) withSign(y value, x again) value { return a.or(y, a.and(x(), a.bits(minus))) }

// erf is that of erf.go. NaN takes the second side and stays NaN there. The polynomials of both sides go up side
// by side.
func (a *asm) erf(x again) value {
	v := a.absOf(x)
	b := a.min(a.f(3.9375), v)
	u := a.mul(v, v)
	far := []float32{0x1.20d19cp-25, -0x1.3f9212p-19, 0x1.be1742p-15, -0x1.4d2624p-11, 0x1.407bcep-8,
		-0x1.b58cdap-6, 0x1.c486a6p-4, 0x1.435116p-1, 0x1.216222p0, -0x1.750988p-12}
	near := []float32{-0x1.1805ap-17, 0x1.c49efp-14, -0x1.b93b3cp-11, 0x1.55d664p-8, -0x1.b82186p-6,
		0x1.ce2e9ep-4, -0x1.812744p-2, 0x1.06eba8p-3}
	g, p := a.mad(b, a.f(far[0]), a.f(far[1])), a.mad(u, a.f(near[0]), a.f(near[1]))
	for i := 2; i < len(far); i++ {
		g = a.mad(g, b, a.f(far[i]))
		if i < len(near) {
			p = a.mad(p, u, a.f(near[i]))
		}
	}
	y := a.sub(a.f(1), a.exp(a.neg(g)))
	v = a.absOf(x)
	y = a.choose(a.compare(less, v, a.f(0.96875)), a.mad(v, p, v), y)
	return a.withSign(y, x)
}

// sigmoid is 1 / (1 + exp(-x)).
func (a *asm) sigmoid(x again) value {
	return a.div(a.f(1), a.add(a.f(1), a.exp(a.neg(x()))))
}

func (a *asm) silu(x again) value { return a.mul(x(), a.sigmoid(x)) }

// gelu is (0.5*x) * (1 + erf(x/sqrt 2)).
func (a *asm) gelu(x again) value {
	t := a.add(a.f(1), a.erf(a.overRoot2(x)))
	return a.mul(a.mul(a.f(0.5), x()), t)
}

func (a *asm) overRoot2(x again) again {
	return func() value { return a.mul(x(), a.f(0x1.6a09e6p-1)) }
}

// geluTanh is (0.5*x) * (1 + tanh(...)).
func (a *asm) geluTanh(x again) value {
	t := a.add(a.f(1), a.tanh(a.cubic(x)))
	return a.mul(a.mul(a.f(0.5), x()), t)
}

// cubic is the argument of the tanh in geluTanh.
func (a *asm) cubic(x again) again {
	return func() value {
		v := x()
		u := a.mul(v, v)
		return a.mul(a.mad(a.mul(u, v), a.f(0x1.6e4e26p-5), v), a.f(0x1.988454p-1))
	}
}
