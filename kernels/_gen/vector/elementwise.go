package main

// elementwise writes the loops over independent elements.
func elementwise(a *asm) {
	a.unary("exp", a.exp, 1)
	a.unary("log", a.log, 1)
	a.unary("tanh", a.tanh, 1)
	a.unary("erf", a.erf, 1)
	a.unary("sigmoid", a.sigmoid, 1)
	a.unary("silu", a.silu, 1)
	a.unary("gelu", a.gelu, 1)
	a.unary("geluTanh", a.geluTanh, 1)
}

// unary writes y[i] = f(x[i]).
func (a *asm) unary(name string, f func(value) value, unroll int) {
	a.begin(name, "func(y, x []float32)", name+a.name+" is y[i] = "+name+"(x[i]).")
	y, x, n := a.base("y"), a.base("x"), a.length("y")
	a.each(n, unroll, func(c cursor) { c.store(f(c.load(x)), y) })
	a.end()
}
