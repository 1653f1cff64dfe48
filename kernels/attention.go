package kernels

import "math"

// Attention is SDPA of one tensor with itself, contract.md section 7.2: qkv holds the three projections side by side, as one
// product makes them, and the scale is 1/sqrt(HeadDim). Causal lets position i see the positions up to i. max and sum are the
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

// SDPA is the same attention of tensors of their own.
func (o Attention) SDPA() SDPA {
	return SDPA{
		Batch: o.Batch, Heads: o.Heads, KVHeads: o.Heads, Queries: o.Seq, Keys: o.Seq, HeadDim: o.HeadDim,
		Causal: o.Causal, Scale: o.scale(), Profile: o.Profile,
	}
}

func (o Attention) pieces(c *CPU, phase int) int { return o.SDPA().pieces(c, phase) }

func (o Attention) piece(w *worker, _, i int, b []Buf) {
	q, k, v := o.projections(b[0].F)
	o.SDPA().tile(w, i, q, k, v, nil, b[1].F, b[2].F, b[3].F)
}

// scale is the factor of the scores.
func (o Attention) scale() float32 { return float32(1 / math.Sqrt(float64(o.HeadDim))) }

// projections are the queries, keys and values.
func (o Attention) projections(qkv []float32) (q, k, v headRows) {
	width := o.Heads * o.HeadDim
	return headRows{qkv, 3 * width}, headRows{qkv[width:], 3 * width}, headRows{qkv[2*width:], 3 * width}
}

// transposed is the view of the transpose.
func (m mat) transposed() mat { return mat{m.data, m.col, m.row} }

// operations are those of S and O.
func (o Attention) operations() uint64 { return o.SDPA().operations() }
