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

// fromZeroToSix is x + 3 between 0 and 6, NaN and -0 as they are.
func (a *asm) fromZeroToSix(x value) value {
	return a.min(a.load(a.f(6)), a.max(a.load(a.f(0)), a.add(x, a.f(3))))
}
