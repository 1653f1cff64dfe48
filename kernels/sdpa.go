package kernels

import (
	"fmt"
	"math"
)

// SDPA is softmax(Scale * Q K^T) V of each head with queries, keys and values in tensors of their own, contract.md section
// 7.2. KVHeads divides Heads: the Heads/KVHeads query heads from h*Heads/KVHeads on share head h of keys and values. Causal lets
// query i see the keys up to i. Masked leaves out the keys of a sample whose mask is 0, whatever they hold. A query that sees no
// key gives +0. max and sum are the row statistics that the gradient starts from.
//
//	q[Batch,Queries,Heads,HeadDim], k[Batch,Keys,KVHeads,HeadDim], v[Batch,Keys,KVHeads,HeadDim], if Masked mask[Batch,Keys] (I32)
//	-> o[Batch,Queries,Heads,HeadDim], max[Batch,Heads,Queries], sum[Batch,Heads,Queries]
type SDPA struct {
	Batch, Heads, KVHeads  int
	Queries, Keys, HeadDim int
	Causal, Masked         bool
	Scale                  float32
	Profile                Profile
}

func (o SDPA) Name() string { return "sdpa" }
func (o SDPA) Operands() []Operand {
	n, rows := o.Batch*o.Queries*o.Heads*o.HeadDim, o.Batch*o.Heads*o.Queries
	return append(o.inputs(), Operand{"o", F32, n, Out}, Operand{"max", F32, rows, Out}, Operand{"sum", F32, rows, Out})
}

// inputs are the operands that the gradient reads too.
func (o SDPA) inputs() []Operand {
	n, m := o.Batch*o.Queries*o.Heads*o.HeadDim, o.Batch*o.Keys*o.KVHeads*o.HeadDim
	all := []Operand{{"q", F32, n, In}, {"k", F32, m, In}, {"v", F32, m, In}}
	if o.Masked {
		all = append(all, Operand{"mask", I32, o.Batch * o.Keys, In})
	}
	return all
}

// sound refuses key heads that the query heads cannot share evenly.
func (o SDPA) check() error {
	if o.Heads > 0 && (o.KVHeads == 0 || o.Heads%o.KVHeads != 0) {
		return fmt.Errorf("sdpa: Heads is %d, not a multiple of KVHeads %d", o.Heads, o.KVHeads)
	}
	return nil
}

func (o SDPA) pieces(_ *CPU, phase int) int { return onePhase(phase, o.Batch*o.Heads*o.tiles()) }

func (o SDPA) piece(w *worker, _, i int, b []Buf) {
	mask, out := o.maskOf(b)
	o.tile(w, i, o.inRows(b[0].F, o.Heads), o.inRows(b[1].F, o.KVHeads), o.inRows(b[2].F, o.KVHeads), mask, out[0].F, out[1].F, out[2].F)
}

// maskOf is the mask, nil if there is none, and what follows the inputs.
func (o SDPA) maskOf(b []Buf) (mask []int32, rest []Buf) {
	if o.Masked {
		return b[3].I, b[4:]
	}
	return nil, b[3:]
}

// headRows is a tensor of heads: each position of each sample is a row of step elements that begins with those of its heads.
type headRows struct {
	data []float32
	step int
}

// inRows is a tensor of its own, with so many heads.
func (o SDPA) inRows(x []float32, heads int) headRows { return headRows{x, heads * o.HeadDim} }

// head is the matrix of one head of a sample with so many positions.
func (x headRows) head(dim, positions, sample, head int) mat {
	if positions == 0 {
		return mat{nil, x.step, 1}
	}
	return mat{x.data[sample*positions*x.step+head*dim:], x.step, 1}
}

// tiles is the number of tiles of queries in a head.
func (o SDPA) tiles() int { return (o.Queries + attentionTile - 1) / attentionTile }

// tile computes piece i, a tile of queries of a head.
func (o SDPA) tile(w *worker, i int, q, k, v headRows, mask []int32, out, top, sum []float32) {
	head, tile := i/o.tiles(), i%o.tiles()
	sample, h := head/o.Heads, head%o.Heads
	first, last := tile*attentionTile, min((tile+1)*attentionTile, o.Queries)
	qh := q.head(o.HeadDim, o.Queries, sample, h)
	seen := w.keysOf(o, mask, sample)
	n := o.weighs(last-1, seen)
	oh := o.inRows(out, o.Heads).head(o.HeadDim, o.Queries, sample, h)
	if n == 0 {
		o.unseen(oh, first, last, top[head*o.Queries:], sum[head*o.Queries:])
		return
	}
	size, packed := (last-first)*n, w.packedLen(o.Profile, o.HeadDim, n)
	scratch := w.floats(size + packed + w.packedLen(o.Profile, n, o.HeadDim) + seen.room(o, n))
	s := mat{scratch[:size], n, 1}
	rest := scratch[size:]
	kt, rest := rest[:packed], rest[packed:]
	packed = w.packedLen(o.Profile, n, o.HeadDim)
	values, rest := rest[:packed], rest[packed:]
	kh, vh, _ := seen.rows(o, sample, h, n, k, v, rest)
	keys := w.pack(o.Profile, o.HeadDim, n, kh.transposed(), kt)
	for at, end := first, 0; at < last; at = end {
		end = min(at+o.step(), last)
		w.gemmPacked(end-at, o.weighs(at, seen), 0, o.HeadDim, qh.from(at, 0), keys, s.from(at-first, 0))
	}
	for i := first; i < last; i++ {
		row := s.from(i-first, 0).data[:o.weighs(i, seen)]
		e := row[:o.sees(i, seen)]
		clear(row[len(e):])
		w.vec.scale(e, e, o.Scale)
		top[head*o.Queries+i], sum[head*o.Queries+i] = seen.weights(w.vec, e)
	}
	right := w.pack(o.Profile, n, o.HeadDim, vh, values)
	for at, end := first, 0; at < last; at = end {
		end = min(at+o.step(), last)
		w.gemmPacked(end-at, o.HeadDim, 0, o.weighs(at, seen), s.from(at-first, 0), right, oh.from(at, 0))
	}
	for i := first; i < last; i++ {
		row := oh.from(i, 0).data[:o.HeadDim]
		w.vec.scale(row, row, inverseOf(sum[head*o.Queries+i]))
	}
}

// unseen is what queries first to last have that weigh no key.
func (o SDPA) unseen(out mat, first, last int, top, sum []float32) {
	for i := first; i < last; i++ {
		clear(out.from(i, 0).data[:o.HeadDim])
		top[i], sum[i] = float32(math.Inf(-1)), 0
	}
}

// inverseOf is r of a sum of weights. It is +0 only where no key is seen: the largest weight of others is 1, or all are NaN.
func inverseOf(sum float32) float32 {
	if sum == 0 {
		return 0
	}
	return 1 / sum
}

// sees is the number of the first keys that query i sees but for those that a mask leaves out.
func (o SDPA) sees(i int, s seenKeys) int {
	if o.Causal {
		return min(i+1, s.n)
	}
	return s.n
}

// weighs is the number of the first keys that are terms of the sums of query i but for those that a mask leaves out.
func (o SDPA) weighs(i int, s seenKeys) int {
	if o.Causal {
		return min((i/causalBlock+1)*causalBlock, s.n)
	}
	return s.n
}

// step is the number of queries with the same keys.
func (o SDPA) step() int {
	if o.Causal {
		return causalBlock
	}
	return attentionTile
}

// operations are those of S and O, of all keys: what a mask leaves out is data.
func (o SDPA) operations() uint64 {
	return terms(2*2, o.Batch, o.Heads, o.Queries, o.Keys, o.HeadDim)
}
