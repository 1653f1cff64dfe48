package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// attentions are shapes with one block of queries, several, and parts of one.
var attentions = []kernels.Attention{
	{Batch: 2, Heads: 3, Seq: 7, HeadDim: 4, Causal: true, Profile: kernels.ProfileF32},
	{Batch: 1, Heads: 2, Seq: 150, HeadDim: 8, Causal: true, Profile: kernels.ProfileF32},
	{Batch: 2, Heads: 1, Seq: 20, HeadDim: 5, Profile: kernels.ProfileF32},
	{Batch: 1, Heads: 1, Seq: 1, HeadDim: 3, Causal: true, Profile: kernels.ProfileF32},
	{Batch: 1, Heads: 1, Seq: 600, HeadDim: 2, Causal: true, Profile: kernels.ProfileF32},
}

func numbers(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// operator runs an operator on this machine.
func operator(t *testing.T, op kernels.Operator, x ...[]float32) {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	bufs := make([]kernels.Buf, len(x))
	for i := range x {
		bufs[i].F = x[i]
	}
	if err := cpu.Run(op, bufs); err != nil {
		t.Fatal(err)
	}
}

// pick is the elements of x.
func pick(x []float32, at []int32) []float32 {
	all := make([]float32, len(at))
	for i, e := range at {
		all[i] = x[e]
	}
	return all
}

// column is dimension d of a head's matrix.
func column(m []float32, dims, d int) []float32 {
	all := make([]float32, len(m)/dims)
	for t := range all {
		all[t] = m[t*dims+d]
	}
	return all
}

func TestTheLinesOfAnAttentionAreThoseThatItsResultsAreSumsOf(t *testing.T) {
	for _, op := range attentions {
		t.Run(fmt.Sprintf("%+v", op), func(t *testing.T) {
			o := attention{op}
			n, rows := op.Batch*op.Seq*op.Heads*op.HeadDim, op.Batch*op.Heads*op.Seq
			qkv, do := numbers(3*n, 1), numbers(n, 2)
			out, most, sums, dqkv := make([]float32, n), make([]float32, rows), make([]float32, rows), make([]float32, 3*n)
			operator(t, op, qkv, out, most, sums)
			operator(t, kernels.AttentionGrad(op), qkv, out, most, sums, do, dqkv)
			scale := float32(1 / math.Sqrt(float64(op.HeadDim)))
			for head := range o.heads() {
				q, k, v := pick(qkv, o.whole(o.projection(query), head)), pick(qkv, o.whole(o.projection(key), head)), pick(qkv, o.whole(o.projection(value), head))
				dos, os := pick(do, o.whole(matrix{gradDO, o.output}, head)), pick(out, o.whole(matrix{gradO, o.output}, head))
				all := make([]int, op.Seq)
				for i := range all {
					all[i] = i
				}
				h := gradients{attention: o}.lines([][]float32{q, k, v, dos, os, most[head*op.Seq:][:op.Seq], sums[head*op.Seq:][:op.Seq]}, all, all)
				for i := range op.Seq {
					weights, w := o.weights(q, k, i), op.Weighs(i)
					for d := range op.HeadDim {
						first := o.after([]int{i})[0][0]
						same(t, "output", out[o.output(head, i, d)], dot(op, weights, column(v, op.HeadDim, d), 0, w)*(1/sums[head*op.Seq+i]))
						same(t, "gradient of a query", dqkv[o.projected(query, head, i, d)], dot(op, h.queries[i], column(k, op.HeadDim, d), 0, w)*scale)
						same(t, "gradient of a key", dqkv[o.projected(key, head, i, d)], dot(op, h.keys[i], column(q, op.HeadDim, d), first, op.Seq)*scale)
						same(t, "gradient of a value", dqkv[o.projected(value, head, i, d)], dot(op, h.shares[i], column(dos, op.HeadDim, d), first, op.Seq))
					}
				}
			}
		})
	}
}

// dot is the sum of the terms from first to before end, all others being left out.
func dot(op kernels.Attention, a, b []float32, first, end int) float32 {
	x, y := make([]float32, len(a)), make([]float32, len(a))
	copy(x[first:end], a[first:end])
	copy(y[first:end], b[first:end])
	return op.Profile.Dot(x[:end], y[:end])
}

func same(t *testing.T, what string, want, got float32) {
	t.Helper()
	if math.Float32bits(want) != math.Float32bits(got) {
		t.Fatalf("%s is %v, its lines give %v", what, want, got)
	}
}

func TestWhatIsDrawnOfAnAttentionLiesInsideOfIt(t *testing.T) {
	for _, op := range attentions {
		for seed := range byte(20) {
			o, d := attention{op}, newDraws([32]byte{seed}, 7)
			queries, keys := o.queries(d.at(1)), o.keys(d.at(2))
			for _, k := range o.seen(d.at(3), true) {
				for _, i := range queries {
					if k >= op.Sees(i) && op.Seq > 1 {
						t.Errorf("%+v: query %d does not see key %d", op, i, k)
					}
				}
			}
			for _, i := range o.seen(d.at(4), false) {
				for _, k := range keys {
					if k >= op.Sees(i) {
						t.Errorf("%+v: query %d does not see key %d", op, i, k)
					}
				}
			}
			for _, spans := range [][][2]int{o.spans(queries), o.after(keys)} {
				for _, c := range o.weightedChains(d.at(5), spans) {
					if s := spans[c.line]; c.first < s[0] || c.end > s[1] || c.first >= c.end || c.first/512 != (c.end-1)/512 {
						t.Errorf("%+v: chunk %+v of %v", op, c, s)
					}
				}
			}
		}
	}
}

// foreign is a product that says nothing about its factors.
type foreign struct{ kernels.AttentionGrad }

func TestAProductThatNobodyMeasuresIsRefused(t *testing.T) {
	var p Plan
	if err := p.measure(0, kernels.Call{Op: foreign{}}); fault.Of(err) != fault.Unsupported {
		t.Errorf("%v", err)
	}
	if err := p.measure(0, kernels.Call{Op: kernels.Copy{N: 1}}); err != nil || len(p.parts) > 0 {
		t.Errorf("a copy: %v", err)
	}
}
