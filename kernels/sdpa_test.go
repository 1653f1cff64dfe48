package kernels

import (
	"fmt"
	"math"
	"testing"
)

// gemmOrder sums terms of a product in the order of contract.md section 2.1: those of 0 to n-1 that is says are any.
func gemmOrder(n int, is func(k int) bool, term func(k int) (a, b float32)) float32 {
	var s float32
	for g := 0; g < n; g += groupF32 {
		var group float32
		for c := g; c < min(g+groupF32, n); c += chunkF32 {
			var p float32
			for k := c; k < min(c+chunkF32, n); k++ {
				if is(k) {
					a, b := term(k)
					p = fma32(a, b, p)
				}
			}
			group += p
		}
		s += group
	}
	return s
}

// sdpaTensors are the operands of an attention and of its gradient.
type sdpaTensors struct {
	q, k, v, do          []float32
	mask                 []int32
	o, max, sum          []float32
	dq, dk, dv           []float32
	shape                SDPA
	queryWidth, keyWidth int
}

func newSDPATensors(o SDPA) *sdpaTensors {
	n, m := o.Batch*o.Queries*o.Heads*o.HeadDim, o.Batch*o.Keys*o.KVHeads*o.HeadDim
	t := &sdpaTensors{
		q: fill(n, 21), k: fill(m, 22), v: fill(m, 23), do: fill(n, 24), mask: make([]int32, o.Batch*o.Keys),
		o: make([]float32, n), max: make([]float32, o.Batch*o.Heads*o.Queries), sum: make([]float32, o.Batch*o.Heads*o.Queries),
		dq: make([]float32, n), dk: make([]float32, m), dv: make([]float32, m),
		shape: o, queryWidth: o.Heads * o.HeadDim, keyWidth: o.KVHeads * o.HeadDim,
	}
	for i := range t.mask {
		t.mask[i] = 1
	}
	for i := range t.q {
		t.q[i] *= 6
	}
	return t
}

func (t *sdpaTensors) inputs() []Buf {
	all := []Buf{floats(t.q...), floats(t.k...), floats(t.v...)}
	if t.shape.Masked {
		all = append(all, ints(t.mask...))
	}
	return all
}

// run computes forward and backward with the operators.
func (t *sdpaTensors) run(test *testing.T) *sdpaTensors {
	test.Helper()
	got := *t
	in := t.inputs()
	o, top, sum := zeros(len(t.o)), zeros(len(t.max)), zeros(len(t.sum))
	run(test, t.shape, append(in[:len(in):len(in)], o, top, sum)...)
	dq, dk, dv := zeros(len(t.dq)), zeros(len(t.dk)), zeros(len(t.dv))
	run(test, SDPAGrad(t.shape), append(in[:len(in):len(in)], o, top, sum, floats(t.do...), dq, dk, dv)...)
	got.o, got.max, got.sum, got.dq, got.dk, got.dv = o.F, top.F, sum.F, dq.F, dk.F, dv.F
	return &got
}

// byDefinition computes the same an element at a time.
func (t *sdpaTensors) byDefinition() {
	for b := range t.shape.Batch {
		for kv := range t.shape.KVHeads {
			t.head(b, kv)
		}
	}
}

// head computes one head of keys with the queries that share it.
func (t *sdpaTensors) head(b, kv int) {
	o := t.shape
	n, d, shared := o.Keys, o.HeadDim, o.Heads/o.KVHeads
	sees := func(i, j int) bool {
		return (!o.Causal || j <= i) && (!o.Masked || t.mask[b*n+j] != 0)
	}
	weighs := func(i, j int) bool {
		return (!o.Causal || j < (i/64+1)*64) && (!o.Masked || t.mask[b*n+j] != 0)
	}
	key := func(j, e int) int { return (b*n+j)*t.keyWidth + kv*d + e }
	p, ds := make([][]float32, shared*o.Queries), make([][]float32, shared*o.Queries)
	query := func(at, e int) int {
		return (b*o.Queries+at%o.Queries)*t.queryWidth + (kv*shared+at/o.Queries)*d + e
	}
	all := func(int) bool { return true }
	for at := range p {
		i, row := at%o.Queries, (b*o.Heads+kv*shared+at/o.Queries)*o.Queries+at%o.Queries
		s, e := make([]float32, n), make([]float32, n)
		m, none := float32(math.Inf(-1)), true
		for j := range n {
			if sees(i, j) {
				none = false
				s[j] = float32(o.Scale * gemmOrder(d, all, func(e int) (float32, float32) { return t.q[query(at, e)], t.k[key(j, e)] }))
				if s[j] > m {
					m = s[j]
				}
			}
		}
		m += 0
		for j := range n {
			if sees(i, j) {
				e[j] = exp(s[j] - m)
			}
		}
		l := generic().rowSum(e)
		r := 1 / l
		if none {
			r = 0
		}
		t.max[row], t.sum[row] = m, l
		var products []float32
		for x := range d {
			t.o[query(at, x)] = float32(r * gemmOrder(n, func(j int) bool { return weighs(i, j) },
				func(j int) (float32, float32) { return e[j], t.v[key(j, x)] }))
			products = append(products, float32(t.do[query(at, x)]*t.o[query(at, x)]))
		}
		inner := generic().rowSum(products)
		p[at], ds[at] = make([]float32, n), make([]float32, n)
		for j := range n {
			if sees(i, j) {
				p[at][j] = float32(e[j] * r)
				dp := gemmOrder(d, all, func(e int) (float32, float32) { return t.do[query(at, e)], t.v[key(j, e)] })
				ds[at][j] = float32(p[at][j] * (dp - inner))
			}
		}
		for x := range d {
			t.dq[query(at, x)] = float32(o.Scale * gemmOrder(n, func(j int) bool { return weighs(i, j) },
				func(j int) (float32, float32) { return ds[at][j], t.k[key(j, x)] }))
		}
	}
	each := (o.Queries + chunkF32 - 1) / chunkF32 * chunkF32
	for j := range n {
		is := func(at int) bool { return at%each < o.Queries && weighs(at%each, j) }
		from := func(at int) int { return at/each*o.Queries + at%each }
		for x := range d {
			t.dk[key(j, x)] = float32(o.Scale * gemmOrder(shared*each, is, func(at int) (float32, float32) { return ds[from(at)][j], t.q[query(from(at), x)] }))
			t.dv[key(j, x)] = gemmOrder(shared*each, is, func(at int) (float32, float32) { return p[from(at)][j], t.do[query(from(at), x)] })
		}
	}
}

func (t *sdpaTensors) same(test *testing.T, want *sdpaTensors) {
	test.Helper()
	for _, c := range []struct {
		name      string
		got, want []float32
	}{
		{"o", t.o, want.o}, {"max", t.max, want.max}, {"sum", t.sum, want.sum},
		{"dq", t.dq, want.dq}, {"dk", t.dk, want.dk}, {"dv", t.dv, want.dv},
	} {
		same(test, c.name, c.got, c.want)
	}
}

func TestSDPAIsItsDefinition(t *testing.T) {
	for _, o := range []SDPA{
		{Batch: 1, Heads: 1, KVHeads: 1, Queries: 1, Keys: 1, HeadDim: 1},
		{Batch: 2, Heads: 4, KVHeads: 2, Queries: 70, Keys: 70, HeadDim: 3, Causal: true},
		{Batch: 2, Heads: 3, KVHeads: 1, Queries: 9, Keys: 130, HeadDim: 4},
		{Batch: 1, Heads: 2, KVHeads: 2, Queries: 130, Keys: 9, HeadDim: 5, Causal: true},
		{Batch: 1, Heads: 2, KVHeads: 2, Queries: 9, Keys: 130, HeadDim: 5, Causal: true},
		{Batch: 1, Heads: 2, KVHeads: 1, Queries: 530, Keys: 600, HeadDim: 2},
		{Batch: 1, Heads: 34, KVHeads: 1, Queries: 2, Keys: 3, HeadDim: 2}, // a group and two chunks of heads
	} {
		for _, masked := range []bool{false, true} {
			o.Masked, o.Scale, o.Profile = masked, 0.4, ProfileF32
			t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
				want := newSDPATensors(o)
				for i := range want.mask {
					if i%5 == 2 || i%o.Keys > 3*o.Keys/4 {
						want.mask[i] = 0
					}
				}
				want.byDefinition()
				want.run(t).same(t, want)
			})
		}
	}
}

// What a mask leaves out may be anything: it is padding, and nobody vouches for it.
func TestAMaskedKeyIsNeverRead(t *testing.T) {
	for _, causal := range []bool{false, true} {
		o := SDPA{Batch: 2, Heads: 4, KVHeads: 2, Queries: 70, Keys: 70, HeadDim: 3, Causal: causal, Masked: true, Scale: 0.5, Profile: ProfileF32}
		clean := newSDPATensors(o)
		for _, j := range []int{0, 1, 5, 66, 68, 69, 70 + 69} {
			clean.mask[j] = 0
		}
		want := clean.run(t)
		for _, poison := range []float32{nan(), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32} {
			dirty := *clean
			dirty.k, dirty.v = append([]float32(nil), clean.k...), append([]float32(nil), clean.v...)
			for j, m := range clean.mask {
				for e := range dirty.keyWidth {
					if m == 0 {
						dirty.k[j*dirty.keyWidth+e], dirty.v[j*dirty.keyWidth+e] = poison, poison
					}
				}
			}
			dirty.run(t).same(t, want)
			for j, m := range clean.mask {
				for e := range dirty.keyWidth {
					if at := j*dirty.keyWidth + e; m == 0 && (math.Float32bits(want.dk[at]) != 0 || math.Float32bits(want.dv[at]) != 0) {
						t.Fatalf("masked key %d has the gradients %v and %v", j, want.dk[at], want.dv[at])
					}
				}
			}
		}
	}
}

func TestAMaskIsZeroOrNot(t *testing.T) {
	o := SDPA{Batch: 1, Heads: 1, KVHeads: 1, Queries: 5, Keys: 6, HeadDim: 3, Masked: true, Scale: 0.5, Profile: ProfileF32}
	ones, others := newSDPATensors(o), newSDPATensors(o)
	copy(ones.mask, []int32{1, 0, 1, 1, 1, 0})
	copy(others.mask, []int32{-1, 0, math.MinInt32, 7, 1 << 16, 0})
	others.run(t).same(t, ones.run(t))
}

func TestAQueryThatSeesNoKeyIsZero(t *testing.T) {
	for _, c := range []struct {
		name   string
		causal bool
		mask   []int32
		blind  int // queries that see nothing
	}{
		{"a sample of padding alone", false, []int32{0, 0, 0, 0}, 4},
		{"padding on the left of a causal sample", true, []int32{0, 0, 1, 1}, 2},
	} {
		o := SDPA{Batch: 1, Heads: 2, KVHeads: 1, Queries: 4, Keys: 4, HeadDim: 3, Causal: c.causal, Masked: true, Scale: 0.5, Profile: ProfileF32}
		x := newSDPATensors(o)
		copy(x.mask, c.mask)
		for i := range x.do {
			x.do[i] = nan() // not even that reaches a query
		}
		got := x.run(t)
		for i := range c.blind {
			for e := range x.queryWidth {
				if at := i*x.queryWidth + e; math.Float32bits(got.o[at]) != 0 || math.Float32bits(got.dq[at]) != 0 {
					t.Errorf("%s: query %d gives %v, its gradient is %v", c.name, i, got.o[at], got.dq[at])
				}
			}
			if !math.IsInf(float64(got.max[i]), -1) || math.Float32bits(got.sum[i]) != 0 {
				t.Errorf("%s: query %d has the maximum %v and the sum %v", c.name, i, got.max[i], got.sum[i])
			}
		}
	}
}

func TestHeadsThatCannotBeSharedAreRefused(t *testing.T) {
	for kv, want := range map[int]string{0: "sdpa: Heads is 4, not a multiple of KVHeads 0", 3: "sdpa: Heads is 4, not a multiple of KVHeads 3", 8: "sdpa: Heads is 4, not a multiple of KVHeads 8"} {
		o := SDPA{Batch: 1, Heads: 4, KVHeads: kv, Queries: 2, Keys: 2, HeadDim: 2, Scale: 1, Profile: ProfileF32}
		for _, op := range []Operator{o, SDPAGrad(o)} {
			if err := Check(op, nil); err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", op.Name(), err, want)
			}
		}
	}
}

func TestSDPAGradAgreesWithDifferences(t *testing.T) {
	o := SDPA{Batch: 1, Heads: 4, KVHeads: 2, Queries: 5, Keys: 7, HeadDim: 3, Masked: true, Scale: 0.6, Profile: ProfileF32}
	x := newSDPATensors(o)
	copy(x.mask, []int32{1, 1, 0, 1, 1, 1, 0})
	loss := func() (l float64) {
		for i, v := range x.run(t).o {
			l += float64(v) * float64(x.do[i])
		}
		return l
	}
	got := x.run(t)
	const h = 1.0 / 64
	for _, c := range []struct {
		name     string
		at, grad []float32
	}{{"dq", x.q, got.dq}, {"dk", x.k, got.dk}, {"dv", x.v, got.dv}} {
		want := make([]float64, len(c.at))
		for i, v := range c.at {
			c.at[i] = v + h
			up := loss()
			c.at[i] = v - h
			want[i] = (up - loss()) / (2 * h)
			c.at[i] = v
		}
		near(t, c.name, c.grad, want, 2e-3)
	}
}
