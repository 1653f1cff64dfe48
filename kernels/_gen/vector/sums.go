package main

import "github.com/mmcloughlin/avo/reg"

// sums writes the reductions of a row to one number.
func sums(a *asm) {
	a.sumOf("sum", "x []float32", func(c cursor, p map[string]reg.Register) value {
		return c.load(p["x"])
	}, "x")
	a.sumOf("sumSquares", "x []float32", func(c cursor, p map[string]reg.Register) value {
		x := c.load(p["x"])
		return a.mul(x, x)
	}, "x")
	a.sumOf("sumProducts", "a, b []float32", func(c cursor, p map[string]reg.Register) value {
		return a.mul(c.load(p["a"]), c.load(p["b"]))
	}, "a", "b")
	a.sumOf("sumDifferences", "x, t []float32", func(c cursor, p map[string]reg.Register) value {
		d := a.sub(c.load(p["x"]), c.load(p["t"]))
		return a.mul(d, d)
	}, "x", "t")
	a.sumDeviations()
	a.rowMax()
}

// sumOf writes R128 of a term over the named slices.
func (a *asm) sumOf(name, parameters string, term func(c cursor, p map[string]reg.Register) value, slices ...string) {
	a.begin(name, "func("+parameters+") float32")
	p := map[string]reg.Register{}
	for _, s := range slices {
		p[s] = a.base(s)
	}
	a.result(a.laneSum(a.length(slices[0]), func(c cursor) value { return term(c, p) }), 0)
	a.end()
}

func (a *asm) sumDeviations() {
	a.begin("sumDeviations", "func(x []float32, mu float32) float32")
	x, n, mu := a.base("x"), a.length("x"), a.scalar("mu")
	a.result(a.laneSum(n, func(c cursor) value {
		d := a.sub(c.load(x), mu)
		return a.mul(d, d)
	}), 0)
	a.end()
}

// rowMax keeps four maxima so that the comparisons overlap: the order is free, because NaN never
// wins and the last addition makes both zeros one.
func (a *asm) rowMax() {
	const maxima = 4
	a.begin("max", "func(x []float32) float32")
	x, n := a.base("x"), a.length("x")
	lowest := a.bits(minus | infinity)
	var best value
	for range maxima {
		best = append(best, a.load(lowest)[0])
	}
	a.each(n, maxima, func(c cursor) {
		v := c.load(x)
		if c.tail != nil {
			v = a.choose(c.tail, v, lowest)
		}
		for i := range v {
			a.VMAXPS(best[i], v[i], best[i])
		}
	})
	m := best[:1].reg()
	for _, other := range best[1:] {
		a.VMAXPS(m, other, m)
	}
	a.foldLanes(m, a.VMAXPS)
	a.VADDPS(a.f(0)[0], m, m)
	a.result(m, 0)
	a.end()
}
