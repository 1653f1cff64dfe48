package oracle

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/verifyd/verifyd/verify/program"
)

// attentionShape is the shape of an attention. The mask is of all samples, nil if there is none.
type attentionShape struct {
	batch, heads, kv, queries, keys, d int
	causal                             bool
	scale                              float64
	mask                               []int32
}

// attention builds the node for one input or several.
func (w *walk) attention(s site, op program.Attention) *gorgonia.Node {
	d := s.cols / op.Heads
	a := attentionShape{w.rows, op.Heads, op.Heads, s.Output.Shape[0], s.specs[0].Shape[0], d, op.Causal, 1 / math.Sqrt(float64(d)), nil}
	if len(s.in) == 1 {
		return w.packed(s.in[0], a)
	}
	a.keys = s.specs[1].Shape[0]
	if op.KVHeads != 0 {
		a.kv = op.KVHeads
	}
	if op.Scale != 0 {
		a.scale = op.Scale
	}
	if len(s.in) == 4 {
		a.mask = w.batch.IDs
	}
	return w.sdpa(s.in[0], s.in[1], s.in[2], a)
}

// packed cuts qkv, which has batch*queries rows of 3*heads*d columns, Q before K before V, by products with constant matrices.
func (t *tape) packed(qkv *gorgonia.Node, s attentionShape) *gorgonia.Node {
	width := s.heads * s.d
	part := func(which int) *gorgonia.Node { return t.mul(qkv, t.picking(3*width, width, which*width)) }
	return t.sdpa(part(0), part(1), part(2), s)
}

// picking has a 1 in row from+j of each column j.
func (t *tape) picking(rows, cols, from int) *gorgonia.Node {
	return t.matrix(rows, cols, func(i, j int) float64 { return indicator(i == from+j) })
}

// block is rows from on and columns from on of a matrix.
func (t *tape) block(x *gorgonia.Node, rows, cols, row, height, col, width int) *gorgonia.Node {
	return t.mul(t.mul(t.transpose(t.picking(rows, height, row)), x), t.picking(cols, width, col))
}

// placed is a matrix of zeros with a block in it.
func (t *tape) placed(x *gorgonia.Node, rows, cols, row, height, col, width int) *gorgonia.Node {
	return t.mul(t.mul(t.picking(rows, height, row), x), t.transpose(t.picking(cols, width, col)))
}

// sdpa is softmax(Q K^T * scale) V for each sequence and head (Vaswani et al. 2017, arXiv:1706.03762), heads of keys being shared
// (Ainslie et al. 2023, arXiv:2305.13245).
func (t *tape) sdpa(q, k, v *gorgonia.Node, s attentionShape) *gorgonia.Node {
	var sum *gorgonia.Node
	for b := range s.batch {
		for h := range s.heads {
			query := t.block(q, s.batch*s.queries, s.heads*s.d, b*s.queries, s.queries, h*s.d, s.d)
			of := func(x *gorgonia.Node) *gorgonia.Node {
				return t.block(x, s.batch*s.keys, s.kv*s.d, b*s.keys, s.keys, h/(s.heads/s.kv)*s.d, s.d)
			}
			e := t.apply1(gorgonia.Exp, t.scale(t.mul(query, t.transpose(of(k))), s.scale))
			if s.causal || s.mask != nil {
				e = t.times(e, t.matrix(s.queries, s.keys, func(i, j int) float64 {
					return indicator((!s.causal || j <= i) && (s.mask == nil || s.mask[b*s.keys+j] != 0))
				}))
			}
			mixed := t.mul(t.over(e, t.rowSums(e, s.keys)), of(v))
			placed := t.placed(mixed, s.batch*s.queries, s.heads*s.d, b*s.queries, s.queries, h*s.d, s.d)
			if sum == nil {
				sum = placed
			} else {
				sum = t.add(sum, placed)
			}
		}
	}
	return sum
}

// rope turns pairs of dimensions by the angles of their positions (Su et al. 2021, arXiv:2104.09864): each element by the cosine, and
// its partner, which a product with a constant matrix brings, by the sine.
func (w *walk) rope(s site, op program.Rope) *gorgonia.Node {
	d, context := s.cols/op.Heads, s.Output.Shape[0]
	pairs := len(op.Frequencies)
	if op.Theta != 0 {
		if pairs = d / 2; op.Dims != 0 {
			pairs = op.Dims / 2
		}
	}
	// partner is the other dimension of a pair, and the pair's number; behind the pairs there is none.
	partner := func(j int) (other, pair int, first, turns bool) {
		switch at := j % d; {
		case at >= 2*pairs:
			return j, 0, false, false
		case op.Interleaved:
			return j - at + (at ^ 1), at / 2, at%2 == 0, true
		case at < pairs:
			return j + pairs, at, true, true
		default:
			return j - pairs, at - pairs, false, true
		}
	}
	angle := func(row, pair int) float64 {
		f := math.Pow(op.Theta, -float64(pair)/float64(pairs))
		if op.Frequencies != nil {
			f = float64(op.Frequencies[pair])
		}
		return f * float64(op.Offset+row%context)
	}
	cos := w.matrix(s.rows, s.cols, func(i, j int) float64 {
		if _, pair, _, turns := partner(j); turns {
			return math.Cos(angle(i, pair))
		}
		return 1
	})
	sin := w.matrix(s.rows, s.cols, func(i, j int) float64 {
		_, pair, first, turns := partner(j)
		if !turns {
			return 0
		}
		if first {
			return -math.Sin(angle(i, pair))
		}
		return math.Sin(angle(i, pair))
	})
	exchange := w.matrix(s.cols, s.cols, func(i, j int) float64 {
		other, _, _, _ := partner(j)
		return indicator(i == other)
	})
	return w.add(w.times(s.in[0], cos), w.times(w.mul(s.in[0], exchange), sin))
}

// matmul is the product of each pair of matrices.
func (w *walk) matmul(s site, op program.MatMul) *gorgonia.Node {
	k := len(s.specs[0].Shape) - 2
	a, b, out := s.specs[0].Shape[k:], s.specs[1].Shape[k:], s.Output.Shape[k:]
	pairs := s.rows / out[0]
	var sum *gorgonia.Node
	for p := range pairs {
		x := w.block(s.in[0], pairs*a[0], a[1], p*a[0], a[0], 0, a[1])
		y := w.block(s.in[1], pairs*b[0], b[1], p*b[0], b[0], 0, b[1])
		if op.TransA {
			x = w.transpose(x)
		}
		if op.TransB {
			y = w.transpose(y)
		}
		placed := w.placed(w.mul(x, y), s.rows, s.cols, p*out[0], out[0], 0, out[1])
		if sum == nil {
			sum = placed
		} else {
			sum = w.add(sum, placed)
		}
	}
	return sum
}
