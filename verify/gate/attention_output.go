package gate

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// The draws of the products of an attention, or of its gradient: the kind of the first draw of each.
const (
	forScores  = 0
	forWeights = 4
	forKeys    = 8
	forValues  = 12
)

// measureAttention adds the two products of an attention: queries with keys, and weights with values.
func (p *Plan) measureAttention(call int, op kernels.Attention) error {
	o := attention{op}
	t, err := p.multiplyAdds(o.heads(), o.weighed(), op.HeadDim)
	if err != nil {
		return err
	}
	if _, err := p.multiplyAdds(o.heads(), o.weighed(), op.HeadDim); err != nil {
		return err
	}
	p.products += 2
	p.parts = append(p.parts,
		scores{o, call, "attention scores", t, forScores, o.projection(query), o.projection(key)},
		outputs{o, call, t})
	return nil
}

// weighed is the number of pairs of a query and a key that are terms, in one head.
func (o attention) weighed() (n int) {
	for i := range o.Seq {
		n += o.Weighs(i)
	}
	return n
}

// spans are the keys that queries weigh.
func (o attention) spans(queries []int) (all [][2]int) {
	for _, i := range queries {
		all = append(all, [2]int{0, o.Weighs(i)})
	}
	return all
}

// seen are terms that all drawn queries see, or that all queries are which see the drawn keys.
func (o attention) seen(d *draws, ofQueries bool) []int {
	from, n := 0, o.Seq
	if o.Causal {
		from, n = o.Seq/2, o.Seq-o.Seq/2
	}
	if ofQueries && o.Causal {
		from, n = 0, max(o.Seq/2, 1)
	}
	all := d.distinct(mostColumns, n)
	for i := range all {
		all[i] += from
	}
	return all
}

// outputs is the product of the weights with the values.
type outputs struct {
	attention
	call int
	t    uint64
}

func (p outputs) draw(d draws) probe {
	at := uint32(p.call*kinds + forWeights)
	from := d.at(at + forLines)
	head := from.below(p.heads())
	queries := p.queries(from)
	terms := p.seen(d.at(at+forA), true)
	chunks := p.weightedChains(d.at(at+forChains), p.spans(queries))
	values := p.dimensions(p.projection(value))
	b := drawRows(d.at(at+forB), p.heads()*p.HeadDim, p.Seq, true)
	return probe{
		reads: []program.Read{
			{Call: p.call, Operand: 0, At: p.whole(p.projection(query), head)},
			{Call: p.call, Operand: 0, At: p.whole(p.projection(key), head)},
			{Call: p.call, Operand: 0, At: p.whole(p.projection(value), head)},
			{Call: p.call, Operand: values.Operand, At: b.elements(values.At)},
		},
		count: func(words [][]float32, to *Counters) {
			weights := make([][]float32, len(queries))
			for i, t := range queries {
				weights[i] = p.weights(words[0], words[1], t)
			}
			e, s := p.countWeighted(chunks, weights, words[2])
			to.Products = append(to.Products, Product{
				Call: p.call, Name: "attention output", T: p.t, E: e, S: s, A: countLines(weights, terms), B: b.count(words[3]),
			})
		},
	}
}

// row is position t of a head's matrix.
func (o attention) row(m []float32, t int) []float32 { return m[t*o.HeadDim:][:o.HeadDim] }

// weights are those of query t of a head, +0 for keys that it does not see.
func (o attention) weights(q, k []float32, t int) []float32 {
	all := make([]float32, o.Seq)
	most := float32(math.Inf(-1))
	for j := range o.Sees(t) {
		all[j] = o.Score(o.row(q, t), o.row(k, j))
		if all[j] > most {
			most = all[j]
		}
	}
	most += 0
	for j := range o.Sees(t) {
		all[j] = kernels.Exp(all[j] - most)
	}
	return all
}
