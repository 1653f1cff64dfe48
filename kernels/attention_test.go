package kernels

import (
	"math"
	"testing"
)

// gemmOrder sums terms lo to hi of a product in the order of contract.md section 2.1.
func gemmOrder(lo, hi int, term func(k int) (a, b float32)) float32 {
	var s float32
	for g := 0; g < hi; g += groupF32 {
		var group float32
		for c := g; c < min(g+groupF32, hi); c += chunkF32 {
			var p float32
			for k := max(c, lo); k < min(c+chunkF32, hi); k++ {
				a, b := term(k)
				p = fma32(a, b, p)
			}
			group += p
		}
		s += group
	}
	return s
}

// attentionByDefinition computes one head of one batch, an element at a time.
func attentionByDefinition(o Attention, qkv, do []float32) (out, dqkv []float32) {
	t, d := o.Seq, o.HeadDim
	at := func(which, i, j int) float32 { return qkv[(i*3+which)*d+j] }
	keys := func(i int) int {
		if o.Causal {
			return min((i/64+1)*64, t)
		}
		return t
	}
	firstQuery := func(j int) int {
		if o.Causal {
			return j / 64 * 64
		}
		return 0
	}
	scale := float32(1 / math.Sqrt(float64(d)))
	v := generic()
	p, ds := make([]float32, t*t), make([]float32, t*t)
	out, dqkv = make([]float32, t*d), make([]float32, 3*t*d)
	for i := range t {
		seen := t
		if o.Causal {
			seen = i + 1
		}
		s := make([]float32, seen)
		for j := range s {
			s[j] = float32(scale * gemmOrder(0, d, func(k int) (float32, float32) { return at(0, i, k), at(1, j, k) }))
		}
		m := maxLoop(s)
		e := make([]float32, t)
		for j := range s {
			e[j] = exp(s[j] - m)
		}
		r := 1 / v.rowSum(e)
		for k := range d {
			out[i*d+k] = float32(r * gemmOrder(0, keys(i), func(j int) (float32, float32) { return e[j], at(2, j, k) }))
		}
		dot := sumProductsLoop(do[i*d:(i+1)*d], out[i*d:(i+1)*d])
		for j := range s {
			p[i*t+j] = float32(e[j] * r)
			dp := gemmOrder(0, d, func(k int) (float32, float32) { return do[i*d+k], at(2, j, k) })
			ds[i*t+j] = float32(p[i*t+j] * (dp - dot))
		}
	}
	for i := range t {
		for k := range d {
			dqkv[(i*3+0)*d+k] = float32(scale * gemmOrder(0, keys(i), func(j int) (float32, float32) { return ds[i*t+j], at(1, j, k) }))
			dqkv[(i*3+1)*d+k] = float32(scale * gemmOrder(firstQuery(i), t, func(q int) (float32, float32) { return ds[q*t+i], at(0, q, k) }))
			dqkv[(i*3+2)*d+k] = gemmOrder(firstQuery(i), t, func(q int) (float32, float32) { return p[q*t+i], do[q*d+k] })
		}
	}
	return out, dqkv
}

func TestAttentionIsItsDefinition(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		seq       int
		causal    bool
		nonFinite bool
	}{
		{"one position", 1, true, false},
		{"causal, one chunk and a part of a block", 530, true, false},
		{"full", 530, false, false},
		{"an infinite value hurts only the queries that have it as a term", 200, true, true},
	} {
		o := Attention{Batch: 1, Heads: 1, Seq: c.seq, HeadDim: 3, Causal: c.causal, Profile: ProfileF32}
		qkv, do := fill(3*c.seq*3, 21), fill(c.seq*3, 22)
		for i := range qkv {
			qkv[i] *= 3
		}
		if c.nonFinite {
			qkv[(100*3+2)*3+1] = inf
			do[150*3] = inf
		}
		wantOut, wantGrad := attentionByDefinition(o, qkv, do)
		out, top, sum, dqkv := zeros(c.seq*3), zeros(c.seq), zeros(c.seq), zeros(9*c.seq)
		run(t, o, floats(qkv...), out, top, sum)
		run(t, AttentionGrad(o), floats(qkv...), out, top, sum, floats(do...), dqkv)
		same(t, c.name+": o", out.F, wantOut)
		same(t, c.name+": dqkv", dqkv.F, wantGrad)
	}
}

func TestAttentionHeadsDoNotMix(t *testing.T) {
	const batch, heads, seq, dim = 2, 3, 70, 4
	o := Attention{batch, heads, seq, dim, true, ProfileF32}
	one := Attention{1, 1, seq, dim, true, ProfileF32}
	n := batch * seq * heads * dim
	qkv, do := fill(3*n, 23), fill(n, 24)
	out, top, sum, dqkv := zeros(n), zeros(batch*heads*seq), zeros(batch*heads*seq), zeros(3*n)
	run(t, o, floats(qkv...), out, top, sum)
	run(t, AttentionGrad(o), floats(qkv...), out, top, sum, floats(do...), dqkv)
	for head := range batch * heads {
		// pick gathers the head's share of a tensor whose rows hold width vectors of each head.
		pick := func(x []float32, width int) []float32 {
			var y []float32
			for i := range seq * width {
				at := ((head/heads*seq*width+i)*heads + head%heads) * dim
				y = append(y, x[at:at+dim]...)
			}
			return y
		}
		want, wantGrad := attentionByDefinition(one, pick(qkv, 3), pick(do, 1))
		same(t, "o", pick(out.F, 1), want)
		same(t, "dqkv", pick(dqkv.F, 3), wantGrad)
	}
}

func TestAttentionGradAgreesWithDifferences(t *testing.T) {
	o := Attention{Batch: 1, Heads: 2, Seq: 9, HeadDim: 4, Causal: true, Profile: ProfileF32}
	n := o.elements()
	qkv, do := fill(3*n, 25), fill(n, 26)
	out, top, sum, dqkv := zeros(n), zeros(18), zeros(18), zeros(3*n)
	loss := func() (l float64) {
		run(t, o, floats(qkv...), out, top, sum)
		for i, v := range out.F {
			l += float64(v) * float64(do[i])
		}
		return l
	}
	loss()
	run(t, AttentionGrad(o), floats(qkv...), out, top, sum, floats(do...), dqkv)
	const h = 1.0 / 64
	want := make([]float64, 3*n)
	for i := range want {
		x := qkv[i]
		qkv[i] = x + h
		up := loss()
		qkv[i] = x - h
		want[i] = (up - loss()) / (2 * h)
		qkv[i] = x
	}
	near(t, "dqkv", dqkv.F, want, 1e-3)
}
