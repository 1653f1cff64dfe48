package gate

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// lines is how many queries, or keys, of one drawn head have the weights computed again that no operand holds.
const lines = 8

// attention is an attention, or its gradient, with the operands in which its matrices lie.
type attention struct {
	kernels.SDPA
	query, key, value matrix
	output, gradient  matrix // of the gradient alone
	mask, max, sum    int    // operands: the mask, if it is masked, and the statistics that a gradient reads
}

// packed has queries, keys and values side by side in operand 0.
func packed(op kernels.Attention) attention {
	o := attention{SDPA: op.SDPA()}
	part := func(which int) matrix {
		return matrix{0, op.Batch * op.Heads, op.Seq, func(head, t, d int) int {
			return (((head/op.Heads*op.Seq+t)*3+which)*op.Heads+head%op.Heads)*op.HeadDim + d
		}}
	}
	o.query, o.key, o.value = part(0), part(1), part(2)
	return o
}

// parted has operands of their own. The first one behind them is next.
func parted(op kernels.SDPA) (o attention, next int) {
	o = attention{SDPA: op, query: dense(0, op, op.Heads, op.Queries), key: dense(1, op, op.KVHeads, op.Keys), value: dense(2, op, op.KVHeads, op.Keys), mask: 3}
	if op.Masked {
		return o, 4
	}
	return o, 3
}

// differentiated has o, max, sum and do in operands o and on.
func (o attention) differentiated(first int) attention {
	o.output, o.max, o.sum, o.gradient = dense(first, o.SDPA, o.Heads, o.Queries), first+1, first+2, dense(first+3, o.SDPA, o.Heads, o.Queries)
	return o
}

// heads is their number through the batch, and keyHead the head of keys that a head of queries shares.
func (o attention) heads() int { return o.Batch * o.Heads }
func (o attention) keyHead(head int) int {
	return head/o.Heads*o.KVHeads + head%o.Heads/(o.Heads/o.KVHeads)
}

// matrix is the matrices of so many heads, counted through the batch, as elements of an operand: a row for each of n positions.
type matrix struct {
	operand  int
	heads, n int
	at       func(head, t, d int) int
}

// dense is an operand of its own.
func dense(operand int, o kernels.SDPA, heads, n int) matrix {
	return matrix{operand, o.Batch * heads, n, func(head, t, d int) int {
		return ((head/heads*n+t)*heads+head%heads)*o.HeadDim + d
	}}
}

// positions has the positions of all heads as rows, and dimensions as terms; dimensions has it the other way round.
func (m matrix) positions() kernels.Factor {
	return kernels.Factor{Operand: m.operand, At: func(row, k int) int { return m.at(row/m.n, row%m.n, k) }}
}

func (o attention) dimensions(m matrix) kernels.Factor {
	return kernels.Factor{Operand: m.operand, At: func(row, k int) int { return m.at(row/o.HeadDim, k, row%o.HeadDim) }}
}

// whole is all elements of one head, position after position.
func (o attention) whole(m matrix, head int) (all []int32) {
	for t := range m.n {
		for d := range o.HeadDim {
			all = append(all, int32(m.at(head, t, d)))
		}
	}
	return all
}

// maskOf is the mask of a head's sample; nothing if there is none.
func (o attention) maskOf(head int) (all []int32) {
	if o.Masked {
		for j := range o.Keys {
			all = append(all, int32(head/o.Heads*o.Keys+j))
		}
	}
	return all
}

// seesKey says whether a query sees a key. The mask is what maskOf read.
func (o attention) seesKey(i, j int, mask []float32) bool {
	return j < o.Sees(i) && (!o.Masked || math.Float32bits(mask[j]) != 0)
}

// queries are drawn from the second half of those of a causal attention, where they all see the first half of the keys, as far as
// there are any.
func (o attention) queries(d *draws) []int {
	from := 0
	if o.Causal {
		from = o.Queries / 2
	}
	all := d.distinct(lines, o.Queries-from)
	for i := range all {
		all[i] += from
	}
	return all
}

// keys are drawn from the first half of those of a causal attention.
func (o attention) keys(d *draws) []int {
	if o.Causal {
		return d.distinct(lines, (min(o.Queries, o.Keys)+1)/2)
	}
	return d.distinct(lines, o.Keys)
}

// scores is a product of two positions, scores or their gradients, whose factors two operands hold.
type scores struct {
	attention
	call int
	name string
	t    uint64
	kind int // of the draws
	a, b matrix
}

// The rows of both factors are positions, which are samples.
func (p scores) draw(d draws) probe {
	at := uint32(p.call*kinds + p.kind)
	a, b := p.a.positions(), p.b.positions()
	chains := drawChains(d.at(at+forChains), p.Profile, p.HeadDim, func(d *draws) (int, int) {
		head, i := d.below(p.heads()), d.below(p.Queries)
		return head*p.Queries + i, p.keyHead(head)*p.Keys + d.below(p.Sees(i))
	})
	ra := drawRows(d.at(at+forA), p.a.heads*p.a.n, p.HeadDim, false)
	rb := drawRows(d.at(at+forB), p.b.heads*p.b.n, p.HeadDim, false)
	return probe{
		reads: []program.Read{
			{Call: p.call, Operand: a.Operand, At: chains.elements(a.At, chains.a)},
			{Call: p.call, Operand: b.Operand, At: chains.elements(b.At, chains.b)},
			{Call: p.call, Operand: a.Operand, At: ra.elements(a.At)},
			{Call: p.call, Operand: b.Operand, At: rb.elements(b.At)},
		},
		count: func(words [][]float32, to *Counters) {
			e, s := chains.count(words[0], words[1])
			to.Products = append(to.Products, Product{
				Call: p.call, Name: p.name, T: p.t, E: e, S: s, A: ra.count(words[2]), B: rb.count(words[3]),
			})
		},
	}
}

// weightedChains draws chunks of the sums of lines of so many terms: for each, in turn, a dimension and a chunk of its terms.
func (o attention) weightedChains(d *draws, terms int, spans [][2]int) (all []chunk) {
	size := o.Profile.Chunk()
	for n := range chainsOf(min(terms, size)) {
		i := n % len(spans)
		lo, hi := spans[i][0]/size, (spans[i][1]+size-1)/size
		dimension, c := d.below(o.HeadDim), lo+d.below(hi-lo)
		all = append(all, chunk{i, dimension, max(c*size, spans[i][0]), min((c+1)*size, spans[i][1])})
	}
	return all
}

// chunk is terms first to before end of the sum of a line and a dimension.
type chunk struct{ line, dimension, first, end int }

// countWeighted counts the product of lines with a matrix of one head, whose dimensions were read besides.
func (o attention) countWeighted(all []chunk, lines [][]float32, m []float32) (e, s uint32) {
	column := make([]float32, o.Profile.Chunk())
	for _, c := range all {
		n := c.end - c.first
		for k := range n {
			column[k] = m[(c.first+k)*o.HeadDim+c.dimension]
		}
		e += uint32(o.Profile.Effective(lines[c.line][c.first:c.end], column[:n]))
		s += uint32(n)
	}
	return e, s
}

// countLines counts lines at some of their terms.
func countLines(lines [][]float32, terms []int) Rows {
	var all []float32
	for _, line := range lines {
		for _, k := range terms {
			all = append(all, line[k])
		}
	}
	return countRows(all, len(terms), false)
}
