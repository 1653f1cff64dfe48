package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// optimizer writes the updates of the parameters.
func optimizer(a *asm) {
	a.sgd()
	a.sgdMomentum()
	a.adam("adam", false)
	a.adam("adamW", true)
}

// decay is the gradient with weight decay, mad(wd, p, g), or g itself if wd is 0: the two differ
// when p is not finite and when g is -0.
func (a *asm) decay(wd, p, g value, some mask) value { return a.choose(some, a.mad(wd, p, g), g) }

// nonZero is the mask of wd != 0, true for NaN.
func (a *asm) nonZero(wd value) mask { return a.compare(notEqual, wd, a.f(0)) }

func (a *asm) sgd() {
	a.begin("sgd", "func(p, g []float32, lr, wd float32)")
	p, g, n := a.base("p"), a.base("g"), a.length("p")
	lr, wd := a.scalar("lr"), a.scalar("wd")
	some := a.nonZero(wd)
	a.each(n, 2, func(c cursor) {
		x := c.load(p)
		d := a.decay(wd, x, c.load(g), some)
		c.store(a.sub(x, a.mul(lr, d)), p)
	})
	a.end()
}

func (a *asm) sgdMomentum() {
	a.begin("sgdMomentum", "func(p, g, buf []float32, lr, omd, mu, wd float32, nesterov bool)")
	p, g, buf, n := a.base("p"), a.base("g"), a.base("buf"), a.length("p")
	lr, omd, mu, wd := a.scalar("lr"), a.scalar("omd"), a.scalar("mu"), a.scalar("wd")
	some := a.nonZero(wd)
	step := func(nesterov bool) func(cursor) {
		return func(c cursor) {
			x := c.load(p)
			d := a.decay(wd, x, c.load(g), some)
			m := a.mad(mu, c.load(buf), a.mul(omd, d))
			c.store(m, buf)
			if nesterov {
				m = a.mad(mu, m, d)
			}
			c.store(a.sub(x, a.mul(lr, m)), p)
		}
	}
	look := a.GP8()
	a.Load(a.Param("nesterov"), look)
	ahead, done := a.label("nesterov"), a.label("updated")
	a.TESTB(look, look)
	a.JNE(operand.LabelRef(ahead))
	a.each(n, 1, step(false))
	a.JMP(operand.LabelRef(done))
	a.Label(ahead)
	a.each(n, 1, step(true))
	a.Label(done)
	a.end()
}

// adam reads its nine scalars again for every vector: AVX2 has no registers to keep them in, and
// the loop waits for memory and for the division anyway.
func (a *asm) adam(name string, decoupled bool) {
	a.begin(name, "func(p, g, m, v []float32, s *[9]float32)")
	p, g, m, v, n := a.base("p"), a.base("g"), a.base("m"), a.base("v"), a.length("p")
	var s reg.Register = a.GP64()
	a.Load(a.Param("s"), s)
	scalar := func(i int) value { return a.broadcast(operand.Mem{Base: s, Disp: 4 * i}) }
	const lr, b1, omb1, b2, omb2, ibc1, ibc2, eps, wd = 0, 1, 2, 3, 4, 5, 6, 7, 8
	a.each(n, 1, func(c cursor) {
		x, d := c.load(p), c.load(g)
		if !decoupled {
			d = a.mad(scalar(wd), x, d)
		}
		mean := a.mad(scalar(b1), c.load(m), a.mul(scalar(omb1), d))
		c.store(mean, m)
		square := a.mad(scalar(b2), c.load(v), a.mul(scalar(omb2), a.mul(d, d)))
		c.store(square, v)
		root := a.add(a.sqrt(a.mul(square, scalar(ibc2))), scalar(eps))
		u := a.div(a.mul(mean, scalar(ibc1)), root)
		if decoupled {
			u = a.add(u, a.mul(scalar(wd), x))
		}
		c.store(a.sub(x, a.mul(scalar(lr), u)), p)
	})
	a.end()
}
