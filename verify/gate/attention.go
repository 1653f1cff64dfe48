package gate

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// lines is how many queries, or keys, of one drawn head have the weights computed again that no operand holds.
const lines = 8

// The three projections of an attention's first operand.
const (
	query = iota
	key
	value
)

// attention is the shape of an attention, of its gradient too.
type attention struct{ kernels.Attention }

// heads is their number through the batch.
func (o attention) heads() int { return o.Batch * o.Heads }

// projected is the element of qkv that holds dimension d of a projection of position t of a head.
func (o attention) projected(which, head, t, d int) int {
	return (((head/o.Heads*o.Seq+t)*3+which)*o.Heads+head%o.Heads)*o.HeadDim + d
}

// output is the element of o, and of its gradient.
func (o attention) output(head, t, d int) int {
	return ((head/o.Heads*o.Seq+t)*o.Heads+head%o.Heads)*o.HeadDim + d
}

// matrix is the Seq x HeadDim matrices of all heads, as elements of an operand.
type matrix struct {
	operand int
	at      func(head, t, d int) int
}

func (o attention) projection(which int) matrix {
	return matrix{0, func(head, t, d int) int { return o.projected(which, head, t, d) }}
}

// positions has the positions of all heads as rows, and dimensions as terms; dimensions has it the other way round.
func (o attention) positions(m matrix) kernels.Factor {
	return kernels.Factor{Operand: m.operand, At: func(row, k int) int { return m.at(row/o.Seq, row%o.Seq, k) }}
}

func (o attention) dimensions(m matrix) kernels.Factor {
	return kernels.Factor{Operand: m.operand, At: func(row, k int) int { return m.at(row/o.HeadDim, k, row%o.HeadDim) }}
}

// whole is all elements of one head, position after position.
func (o attention) whole(m matrix, head int) (all []int32) {
	for t := range o.Seq {
		for d := range o.HeadDim {
			all = append(all, int32(m.at(head, t, d)))
		}
	}
	return all
}

// queries are drawn from the second half of those of a causal attention, where they all see the first half of the keys.
func (o attention) queries(d *draws) []int {
	from := 0
	if o.Causal {
		from = o.Seq / 2
	}
	all := d.distinct(lines, o.Seq-from)
	for i := range all {
		all[i] += from
	}
	return all
}

// keys are drawn from the first half of those of a causal attention.
func (o attention) keys(d *draws) []int {
	if o.Causal {
		return d.distinct(lines, (o.Seq+1)/2)
	}
	return d.distinct(lines, o.Seq)
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
	a, b := p.positions(p.a), p.positions(p.b)
	chains := drawChains(d.at(at+forChains), p.Profile, p.HeadDim, func(d *draws) (int, int) {
		head, i := d.below(p.heads()), d.below(p.Seq)
		return head*p.Seq + i, head*p.Seq + d.below(p.Sees(i))
	})
	ra := drawRows(d.at(at+forA), p.heads()*p.Seq, p.HeadDim, false)
	rb := drawRows(d.at(at+forB), p.heads()*p.Seq, p.HeadDim, false)
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

// weightedChains draws chunks of the sums of lines: for each, in turn, a dimension and a chunk of its terms.
func (o attention) weightedChains(d *draws, spans [][2]int) (all []chunk) {
	size := o.Profile.Chunk()
	for n := range chainsOf(min(o.Seq, size)) {
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
