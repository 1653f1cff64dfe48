package kernels

import "math"

// Attention is softmax(scale * Q K^T) V of each head, contract.md section 7.2. qkv holds the three
// projections side by side. Causal lets position i see the positions up to i. max and sum are the
// row statistics that the gradient starts from.
//
//	qkv[Batch,Seq,3,Heads,HeadDim]
//	-> o[Batch,Seq,Heads,HeadDim], max[Batch,Heads,Seq], sum[Batch,Heads,Seq]
type Attention struct {
	Batch, Heads, Seq, HeadDim int
	Causal                     bool
	Profile                    Profile
}

// causalBlock is the granularity at which causal attention leaves out keys: query i has the keys of
// its own block of 64 and of those before it as terms, and those after i weigh +0.
const causalBlock = 64

// attentionTile is the number of queries that one piece holds scores for.
const attentionTile = 4 * causalBlock

func (o Attention) Name() string { return "attention" }
func (o Attention) Operands() []Operand {
	n, rows := o.elements(), o.Batch*o.Heads*o.Seq
	return []Operand{
		{"qkv", F32, 3 * n, In}, {"o", F32, n, Out}, {"max", F32, rows, Out}, {"sum", F32, rows, Out},
	}
}

func (o Attention) elements() int { return o.Batch * o.Seq * o.Heads * o.HeadDim }

// tiles is the number of tiles of queries in a head.
func (o Attention) tiles() int { return (o.Seq + attentionTile - 1) / attentionTile }

func (o Attention) pieces(_ *CPU, phase int) int {
	return onePhase(phase, o.Batch*o.Heads*o.tiles())
}

func (o Attention) piece(w *worker, _, i int, b []Buf) {
	head, tile := i/o.tiles(), i%o.tiles()
	q, k, v := o.projections(b[0].F, head)
	out := o.output(b[1].F, head)
	first, last := tile*attentionTile, min((tile+1)*attentionTile, o.Seq)
	n := o.keys(last - 1)
	size, keys := (last-first)*n, w.packedLen(o.Profile, o.HeadDim, n)
	scratch := w.floats(size + keys + w.packedLen(o.Profile, n, o.HeadDim))
	s := mat{scratch[:size], n, 1}
	kt := w.pack(o.Profile, o.HeadDim, n, k.transposed(), scratch[size:size+keys])
	values := w.pack(o.Profile, n, o.HeadDim, v, scratch[size+keys:])
	for at, end := first, 0; at < last; at = end {
		end = min(at+o.step(), last)
		w.gemmPacked(end-at, o.keys(at), 0, o.HeadDim, q.from(at, 0), kt, s.from(at-first, 0))
	}
	scale := o.scale()
	for i := first; i < last; i++ {
		row := s.from(i-first, 0).data[:o.keys(i)]
		e := row[:o.visible(i)]
		clear(row[len(e):])
		w.vec.scale(e, e, scale)
		m := w.vec.max(e)
		b[2].F[head*o.Seq+i] = m
		b[3].F[head*o.Seq+i] = w.vec.rowExpSum(e, e, m)
	}
	for at, end := first, 0; at < last; at = end {
		end = min(at+o.step(), last)
		w.gemmPacked(end-at, o.HeadDim, 0, o.keys(at), s.from(at-first, 0), values, out.from(at, 0))
	}
	for i := first; i < last; i++ {
		row := out.from(i, 0).data[:o.HeadDim]
		w.vec.scale(row, row, 1/b[3].F[head*o.Seq+i])
	}
}

// scale is the factor of the scores.
func (o Attention) scale() float32 { return float32(1 / math.Sqrt(float64(o.HeadDim))) }

// visible is the number of keys that query i sees.
func (o Attention) visible(i int) int {
	if o.Causal {
		return i + 1
	}
	return o.Seq
}

// keys is the number of keys that are terms of the sums of query i.
func (o Attention) keys(i int) int {
	if o.Causal {
		return min((i/causalBlock+1)*causalBlock, o.Seq)
	}
	return o.Seq
}

// step is the number of queries with the same keys.
func (o Attention) step() int {
	if o.Causal {
		return causalBlock
	}
	return attentionTile
}

// projections are the SeqxHeadDim views of one head's queries, keys and values. Heads are counted
// through the batch.
func (o Attention) projections(qkv []float32, head int) (q, k, v mat) {
	width := o.Heads * o.HeadDim
	at := head/o.Heads*o.Seq*3*width + head%o.Heads*o.HeadDim
	return mat{qkv[at:], 3 * width, 1}, mat{qkv[at+width:], 3 * width, 1}, mat{qkv[at+2*width:], 3 * width, 1}
}

// output is the SeqxHeadDim view of one head's output.
func (o Attention) output(out []float32, head int) mat {
	width := o.Heads * o.HeadDim
	return mat{out[head/o.Heads*o.Seq*width+head%o.Heads*o.HeadDim:], width, 1}
}

// transposed is the view of the transpose.
func (m mat) transposed() mat { return mat{m.data, m.col, m.row} }

// operations are those of S and O.
func (o Attention) operations() uint64 {
	return terms(2*2, o.Batch, o.Heads, o.Seq, o.Seq, o.HeadDim)
}
