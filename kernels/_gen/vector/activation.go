package main

// activation writes the functions with an exponential inside, and their gradients.
func activation(a *asm) {
	for _, f := range []struct {
		name string
		of   func(value) value
	}{
		{"gelu", a.gelu}, {"geluTanh", a.geluTanh}, {"silu", a.silu}, {"tanh", a.tanh}, {"sigmoid", a.sigmoid},
	} {
		a.loop(f.name, "y", "x").side(2).run(func(in []value) value { return f.of(in[0]) })
	}
	for _, f := range []struct {
		name string
		of   func(value) value
	}{
		{"gelu", a.geluSlope}, {"geluTanh", a.geluTanhSlope}, {"silu", a.siluSlope},
	} {
		a.loop(f.name+"Grad", "dx", "x", "dy").side(2).run(func(in []value) value {
			x, dy := in[0], in[1]
			return a.mul(dy, f.of(x))
		})
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

// geluSlope is 0.5*(1 + Erf(x/sqrt 2)) + x*density(x).
func (a *asm) geluSlope(x value) value {
	c := a.mul(a.f(0.5), a.add(a.f(1), a.erf(a.mul(x, a.f(0x1.6a09e6p-1)))))
	d := a.mul(a.f(0x1.988454p-2), a.exp(a.mul(a.f(-0.5), a.mul(x, x))))
	return a.mad(x, d, c)
}

// siluSlope is s*(1 + x*(1-s)), s = sigmoid(x).
func (a *asm) siluSlope(x value) value {
	s := a.sigmoid(x)
	return a.mul(s, a.mad(x, a.sub(a.f(1), s), a.f(1)))
}

// geluTanhSlope is the derivative of geluTanh.
func (a *asm) geluTanhSlope(x value) value {
	u := a.mul(x, x)
	v := a.mad(a.mul(u, x), a.f(0x1.6e4e26p-5), x)
	t := a.tanh(a.mul(v, a.f(0x1.988454p-1)))
	s := a.mul(a.mul(a.f(0.5), x), a.sub(a.f(1), a.mul(t, t)))
	w := a.mul(a.f(0x1.988454p-1), a.mad(a.mul(x, x), a.f(0x1.12ba9ep-3), a.f(1)))
	return a.mad(s, w, a.mul(a.f(0.5), a.add(a.f(1), t)))
}
