package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// shapes are those of attentions, and some whose heads are shared, whose keys are another sequence, or that have a mask.
func shapes() (all []kernels.SDPA) {
	for _, op := range attentions {
		all = append(all, op.SDPA())
	}
	return append(all,
		kernels.SDPA{Batch: 2, Heads: 4, KVHeads: 2, Queries: 9, Keys: 70, HeadDim: 3, Scale: 0.5, Profile: kernels.ProfileF32},
		kernels.SDPA{Batch: 2, Heads: 2, KVHeads: 2, Queries: 70, Keys: 9, HeadDim: 3, Scale: 0.5, Masked: true, Profile: kernels.ProfileF32},
		kernels.SDPA{Batch: 1, Heads: 2, KVHeads: 2, Queries: 9, Keys: 70, HeadDim: 3, Scale: 0.5, Causal: true, Masked: true, Profile: kernels.ProfileF32},
		kernels.SDPA{Batch: 1, Heads: 2, KVHeads: 2, Queries: 70, Keys: 9, HeadDim: 3, Scale: 0.5, Causal: true, Profile: kernels.ProfileF32})
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

// computed is an attention with its operands and results, an attention of one tensor as one of three.
type computed struct {
	attention
	operands [][]float32
	mask     []int32
	grads    [3][]float32
}

func compute(t *testing.T, op kernels.SDPA) *computed {
	o, next := parted(op)
	n, m, rows := op.Batch*op.Queries*op.Heads*op.HeadDim, op.Batch*op.Keys*op.KVHeads*op.HeadDim, op.Batch*op.Heads*op.Queries
	c := &computed{attention: o.differentiated(next), operands: [][]float32{numbers(n, 1), numbers(m, 2), numbers(m, 3)}}
	if op.Masked {
		c.mask = make([]int32, op.Batch*op.Keys)
		for j := range c.mask {
			if j%4 != 2 {
				c.mask[j] = 1
			}
		}
		c.operands = append(c.operands, nil)
	}
	c.operands = append(c.operands, make([]float32, n), make([]float32, rows), make([]float32, rows))
	c.run(t, op, c.operands)
	c.operands = append(c.operands, numbers(n, 4))
	c.grads = [3][]float32{make([]float32, n), make([]float32, m), make([]float32, m)}
	c.run(t, kernels.SDPAGrad(op), append(slices.Clone(c.operands), c.grads[:]...))
	return c
}

func (c *computed) run(t *testing.T, op kernels.Operator, x [][]float32) {
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
	if c.Masked {
		bufs[3].I = c.mask
	}
	if err := cpu.Run(op, bufs); err != nil {
		t.Fatal(err)
	}
}

// words are what gradients read of a head.
func (c *computed) words(head int) [][]float32 {
	of := func(m matrix, head int) []float32 { return pick(c.operands[m.operand], c.whole(m, head)) }
	all := [][]float32{of(c.query, head), of(c.key, c.keyHead(head)), of(c.value, c.keyHead(head)), of(c.gradient, head), of(c.output, head),
		c.operands[c.max][head*c.Queries:][:c.Queries], c.operands[c.sum][head*c.Queries:][:c.Queries]}
	if c.Masked {
		var mask []float32
		for _, j := range c.maskOf(head) {
			mask = append(mask, math.Float32frombits(uint32(c.mask[j])))
		}
		all = append(all, mask)
	}
	return all
}

func TestTheLinesOfAnAttentionAreThoseThatItsResultsAreSumsOf(t *testing.T) {
	for _, op := range shapes() {
		t.Run(fmt.Sprintf("%+v", op), func(t *testing.T) {
			c := compute(t, op)
			queries, keys := make([]int, op.Queries), make([]int, op.Keys)
			for i := range queries {
				queries[i] = i
			}
			for j := range keys {
				keys[j] = j
			}
			for head := range c.heads() {
				words := c.words(head)
				h := gradients{attention: c.attention}.lines(words, queries, keys)
				var mask []float32
				if op.Masked {
					mask = words[7]
				}
				for i := range queries {
					weights := c.weights(words[0], words[1], mask, i)
					for d := range op.HeadDim {
						same(t, "output", c.operands[c.output.operand][c.output.at(head, i, d)],
							dot(op, weights, column(words[2], op.HeadDim, d), 0, op.Weighs(i))*(1/words[6][i]))
						same(t, "gradient of a query", c.grads[0][c.query.at(head, i, d)],
							dot(op, h.queries[i], column(words[1], op.HeadDim, d), 0, op.Weighs(i))*op.Scale)
					}
				}
				if op.Heads != op.KVHeads {
					continue // sums over several heads
				}
				for j := range keys {
					first := c.after([]int{j})[0][0]
					for d := range op.HeadDim {
						same(t, "gradient of a key", c.grads[1][c.key.at(head, j, d)], dot(op, h.keys[j], column(words[0], op.HeadDim, d), first, op.Queries)*op.Scale)
						same(t, "gradient of a value", c.grads[2][c.key.at(head, j, d)], dot(op, h.shares[j], column(words[3], op.HeadDim, d), first, op.Queries))
					}
				}
			}
		})
	}
}

// An attention of one tensor is one of three, but for where they lie.
func TestTheMatricesOfAPackedAttentionAreItsParts(t *testing.T) {
	for _, op := range attentions {
		o, s := packed(op), op.SDPA()
		want, _ := parted(s)
		width := op.Heads * op.HeadDim
		for part, m := range []matrix{o.query, o.key, o.value} {
			of := []matrix{want.query, want.key, want.value}[part]
			for head := range o.heads() {
				for i := range op.Seq {
					for d := range op.HeadDim {
						at := of.at(head, i, d)
						if got, want := m.at(head, i, d), at/width*3*width+part*width+at%width; got != want || m.operand != 0 || of.operand != part {
							t.Fatalf("%+v: part %d of head %d, %d, %d is element %d, %d wanted", op, part, head, i, d, got, want)
						}
					}
				}
			}
		}
	}
}

// dot is the sum of the terms from first to before end, all others being left out.
func dot(op kernels.SDPA, a, b []float32, first, end int) float32 {
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
	for _, op := range shapes() {
		for seed := range byte(20) {
			o, _ := parted(op)
			d := newDraws([32]byte{seed}, 7)
			queries, keys := o.queries(d.at(1)), o.keys(d.at(2))
			for _, k := range o.seen(d.at(3), true) {
				for _, i := range queries {
					if k >= op.Sees(i) && op.Queries > 1 {
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
			for n, spans := range map[int][][2]int{op.Keys: o.spans(queries), op.Queries: o.after(keys)} {
				for _, c := range o.weightedChains(d.at(5), n, spans) {
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
