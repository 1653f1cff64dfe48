package main

// activation writes the functions with an exponential inside, and their gradients, with as many
// chains as measured best.
func activation(a *asm) {
	for _, f := range []struct {
		name   string
		chains int
		of     func(again) value
	}{
		{"gelu", 3, a.gelu}, {"geluTanh", 2, a.geluTanh}, {"silu", 2, a.silu}, {"tanh", 3, a.tanh}, {"sigmoid", 2, a.sigmoid},
	} {
		a.begin(f.name, "func(y, x []float32)")
		y, x := a.base("y"), a.base("x")
		a.each(a.length("x"), f.chains, func(c cursor) {
			c.store(f.of(func() value { return c.load(x) }), y)
		})
		a.end()
	}
	for _, f := range []struct {
		name   string
		chains int
		of     func(again) value
	}{
		{"gelu", 3, a.geluSlope}, {"geluTanh", 2, a.geluTanhSlope}, {"silu", 2, a.siluSlope},
	} {
		a.begin(f.name+"Grad", "func(dx, x, dy []float32)")
		dx, x, dy := a.base("dx"), a.base("x"), a.base("dy")
		a.each(a.length("x"), f.chains, func(c cursor) {
			slope := f.of(func() value { return c.load(x) })
			c.store(a.mul(c.load(dy), slope), dx)
		})
		a.end()
	}
	a.loop("tanhGrad", "dx", "y", "dy").side(2).run(func(in []value) value {
		y, dy := in[0], in[1]
		return a.mul(dy, a.sub(a.f(1), a.mul(y, y)))
	})
	a.loop("sigmoidGrad", "dx", "y", "dy").side(2).run(func(in []value) value {
		y, dy := in[0], in[1]
		return a.mul(dy, a.mul(y, a.sub(a.f(1), y)))
	})
}

// geluSlope is 0.5*(1 + erf(x/sqrt 2)) + x*density(x).
func (a *asm) geluSlope(x again) value {
	c := a.mul(a.f(0.5), a.add(a.f(1), a.erf(a.overRoot2(x))))
	v := x()
	d := a.mul(a.f(0x1.988454p-2), a.exp(a.mul(a.f(-0.5), a.mul(v, v))))
	return a.mad(x(), d, c)
}

// siluSlope is s*(1 + x*(1-s)), s = sigmoid(x).
func (a *asm) siluSlope(x again) value {
	s := a.sigmoid(x)
	return a.mul(s, a.mad(x(), a.sub(a.f(1), s), a.f(1)))
}

// geluTanhSlope is the derivative of geluTanh.
func (a *asm) geluTanhSlope(x again) value {
	t := a.tanh(a.cubic(x))
	s := a.mul(a.mul(a.f(0.5), x()), a.sub(a.f(1), a.mul(t, t)))
	v := x()
	w := a.mul(a.f(0x1.988454p-1), a.mad(a.mul(v, v), a.f(0x1.12ba9ep-3), a.f(1)))
	return a.mad(s, w, a.mul(a.f(0.5), a.add(a.f(1), t)))
}
