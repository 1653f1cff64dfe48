package main

import "github.com/mmcloughlin/avo/reg"

// rows writes the loops over one row of a softmax or a normalisation.
func rows(a *asm) {
	a.expSum()
	a.sumExp()
	a.loop("expScale", "y", "x").with("m", "r", "s").side(2).run(func(in []value) value {
		x, m, r, s := in[0], in[1], in[2], in[3]
		return a.mul(a.mul(a.exp(a.sub(x, m)), r), s)
	})
	a.loop("softmaxGrad", "dx", "y", "dy").with("d").side(2).run(func(in []value) value {
		y, dy, d := in[0], in[1], in[2]
		return a.mul(y, a.sub(dy, d))
	})
	a.loop("layerNorm", "y", "x", "gamma", "beta").with("mu", "rs").side(2).run(func(in []value) value {
		x, gamma, beta, mu, rs := in[0], in[1], in[2], in[3], in[4]
		return a.mad(a.normal(x, mu, rs), gamma, beta)
	})
	a.loop("rmsNorm", "y", "x", "gamma").with("rs").side(2).run(func(in []value) value {
		x, gamma, rs := in[0], in[1], in[2]
		return a.mul(a.mul(x, rs), gamma)
	})
	a.normGradSums()
	a.loop("normGrad", "dx", "dy", "gamma", "x").with("mu", "rs", "c1", "c2").run(func(in []value) value {
		dy, gamma, x, mu, rs, c1, c2 := in[0], in[1], in[2], in[3], in[4], in[5], in[6]
		g := a.mul(dy, gamma)
		xh := a.normal(x, mu, rs)
		return a.mul(rs, a.sub(a.sub(g, c1), a.mul(xh, c2)))
	})
	a.normParams()
}

// normal is (x-mu)*rs.
func (a *asm) normal(x, mu, rs value) value { return a.mul(a.sub(x, mu), rs) }

func (a *asm) expSum() {
	a.begin("expSum", "func(y, x []float32, m float32) float32")
	y, x, n, m := a.base("y"), a.base("x"), a.length("x"), a.scalar("m")
	a.result(a.laneSumInMemory(n, 2, func(c cursor) value {
		e := a.exp(a.sub(c.load(x), m))
		c.store(e, y)
		return e
	}), 0)
	a.end()
}

func (a *asm) sumExp() {
	a.begin("sumExp", "func(x []float32, m float32) float32")
	x, n, m := a.base("x"), a.length("x"), a.scalar("m")
	a.result(a.laneSumInMemory(n, 2, func(c cursor) value { return a.exp(a.sub(c.load(x), m)) }), 0)
	a.end()
}

func (a *asm) normGradSums() {
	a.begin("normGradSums", "func(dy, gamma, x []float32, mu, rs float32) (s1, s2 float32)")
	dy, gamma, x, n := a.base("dy"), a.base("gamma"), a.base("x"), a.length("x")
	mu, rs := a.scalar("mu"), a.scalar("rs")
	g := func(c cursor) value { return a.mul(c.load(dy), c.load(gamma)) }
	a.result(a.laneSum(n, g), 0)
	a.result(a.laneSum(n, func(c cursor) value { return a.mul(g(c), a.normal(c.load(x), mu, rs)) }), 1)
	a.end()
}

func (a *asm) normParams() {
	a.begin("normParams", "func(dgamma, dbeta, x, dy []float32, mu, rs float32)")
	dgamma, dbeta, x, dy, n := a.base("dgamma"), a.base("dbeta"), a.base("x"), a.base("dy"), a.length("x")
	mu, rs := a.scalar("mu"), a.scalar("rs")
	a.each(n, 2, func(c cursor) {
		d := c.load(dy)
		c.increase(dgamma, a.mul(d, a.normal(c.load(x), mu, rs)))
		c.increase(dbeta, d)
	})
	a.end()
}

// increase adds v to what is at base.
func (c cursor) increase(base reg.Register, v value) { c.store(c.a.add(c.load(base), v), base) }
