package main

// hard writes the activations that are made of straight lines.
func hard(a *asm) {
	a.loop("clamp", "y", "x").with("lo", "hi").side(4).run(func(in []value) value {
		return a.min(in[2], a.max(in[1], in[0]))
	})
	a.loop("clampGrad", "dx", "x", "dy").with("lo", "hi").side(2).run(func(in []value) value {
		x, dy, lo, hi := in[0], in[1], in[2], in[3]
		return a.choose(a.compare(less, x, lo), a.f(0), a.choose(a.compare(greater, x, hi), a.f(0), dy))
	})
	a.loop("hardSigmoid", "y", "x").side(4).run(func(in []value) value {
		return a.mul(a.fromZeroToSix(in[0]), a.f(0x1.555556p-3))
	})
	a.loop("hardSigmoidGrad", "dx", "x", "dy").side(2).run(func(in []value) value {
		x, dy := in[0], a.mul(in[1], a.f(0x1.555556p-3))
		return a.choose(a.compare(lessEqual, x, a.f(-3)), a.f(0), a.choose(a.compare(lessEqual, a.load(a.f(3)), x), a.f(0), dy))
	})
	a.loop("hardSwish", "y", "x").side(4).run(func(in []value) value {
		return a.mul(a.mul(in[0], a.fromZeroToSix(in[0])), a.f(0x1.555556p-3))
	})
	a.loop("hardSwishGrad", "dx", "x", "dy").side(2).run(func(in []value) value {
		x, dy := in[0], in[1]
		slope := a.mul(dy, a.mad(x, a.f(0x1.555556p-2), a.f(0.5)))
		return a.choose(a.compare(lessEqual, x, a.f(-3)), a.f(0), a.choose(a.compare(lessEqual, a.load(a.f(3)), x), dy, slope))
	})
	a.loop("leakyReLU", "y", "x").with("slope").side(4).run(func(in []value) value {
		x, slope := in[0], in[1]
		return a.choose(a.compare(greater, x, a.f(0)), x, a.mul(x, slope))
	})
	a.loop("leakyReLUGrad", "dx", "x", "dy").with("slope").side(4).run(func(in []value) value {
		x, dy, slope := in[0], in[1], in[2]
		return a.choose(a.compare(greater, x, a.f(0)), dy, a.mul(dy, slope))
	})
}

// soft writes those with an exponential that are no straight lines above 0.
func soft(a *asm) {
	a.loop("elu", "y", "x").with("alpha").side(2).run(func(in []value) value {
		x, alpha := in[0], in[1]
		return a.choose(a.compare(greater, x, a.f(0)), x, a.mul(a.sub(a.exp(x), a.f(1)), alpha))
	})
	a.loop("eluGrad", "dx", "x", "dy").with("alpha").run(func(in []value) value {
		x, dy, alpha := in[0], in[1], in[2]
		return a.choose(a.compare(greater, x, a.f(0)), dy, a.mul(dy, a.mul(a.exp(x), alpha)))
	})
	a.loop("softplus", "y", "x").run(func(in []value) value {
		x := in[0]
		t := a.logFromOneToTwo(a.add(a.f(1), a.exp(a.or(x, a.bits(minus)))))
		y := a.choose(a.compare(greater, x, a.f(0)), a.add(x, t), t)
		return a.choose(a.compare(unordered, x, x), x, y)
	})
	a.loop("softplusGrad", "dx", "x", "dy").side(2).run(func(in []value) value {
		x, dy := in[0], in[1]
		return a.mul(dy, a.sigmoid(func() value { return x }))
	})
}

// logFromOneToTwo is that of log.go for such an x.
func (a *asm) logFromOneToTwo(x value) value {
	u := a.addInt(x, a.bits(0x3f800000-0x3f3504f3))
	e := a.unary(a.VCVTDQ2PS, a.addInt(a.shiftRightArith(u, 23), a.bits(^uint32(126))))
	f := a.sub(a.addInt(a.and(u, a.bits(0x007fffff)), a.bits(0x3f3504f3)), a.f(1))
	z := a.mul(f, f)
	p := a.poly(f, 0x1.2cb38cp-4, -0x1.ddb316p-4, 0x1.dc7628p-4, -0x1.fbbf2ap-4, 0x1.23de3ep-3, -0x1.556288p-3, 0x1.999d2ap-3, -0x1.ffffe6p-3, 0x1.555554p-2)
	c := a.mul(a.mul(f, z), p)
	c = a.mad(e, a.f(-0x1.bd0106p-13), c)
	c = a.mad(z, a.f(-0.5), c)
	return a.mad(e, a.f(0x1.63p-1), a.add(f, c))
}

// fromZeroToSix is x + 3 between 0 and 6, NaN and -0 as they are.
func (a *asm) fromZeroToSix(x value) value {
	return a.min(a.load(a.f(6)), a.max(a.load(a.f(0)), a.add(x, a.f(3))))
}
