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
func (p *Plan) measureAttention(call int, o attention) error {
	t, err := p.multiplyAdds(o.heads(), o.weighed(), o.HeadDim)
	if err != nil {
		return err
	}
	if _, err := p.multiplyAdds(o.heads(), o.weighed(), o.HeadDim); err != nil {
		return err
	}
	p.products += 2
	p.parts = append(p.parts,
		scores{o, call, "attention scores", t, forScores, o.query, o.key},
		outputs{o, call, t})
	return nil
}

// weighed is the number of pairs of a query and a key that are terms, in one head. What a mask leaves out is no less.
func (o attention) weighed() (n int) {
	for i := range o.Queries {
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
	from, n := 0, o.Queries
	switch {
	case ofQueries && o.Causal:
		n = max(min(o.Queries/2, o.Keys), 1)
	case ofQueries:
		n = o.Keys
	case o.Causal:
		from, n = o.Queries/2, o.Queries-o.Queries/2
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
	chunks := p.weightedChains(d.at(at+forChains), p.Keys, p.spans(queries))
	values := p.dimensions(p.value)
	b := drawRows(d.at(at+forB), p.value.heads*p.HeadDim, p.Keys, true)
	reads := []program.Read{
		{Call: p.call, Operand: p.query.operand, At: p.whole(p.query, head)},
		{Call: p.call, Operand: p.key.operand, At: p.whole(p.key, p.keyHead(head))},
		{Call: p.call, Operand: p.value.operand, At: p.whole(p.value, p.keyHead(head))},
		{Call: p.call, Operand: values.Operand, At: b.elements(values.At)},
	}
	if p.Masked {
		reads = append(reads, program.Read{Call: p.call, Operand: p.mask, At: p.maskOf(head)})
	}
	return probe{
		reads: reads,
		count: func(words [][]float32, to *Counters) {
			var mask []float32
			if p.Masked {
				mask = words[4]
			}
			weights := make([][]float32, len(queries))
			for i, t := range queries {
				weights[i] = p.weights(words[0], words[1], mask, t)
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
func (o attention) weights(q, k, mask []float32, t int) []float32 {
	all := make([]float32, o.Keys)
	most := float32(math.Inf(-1))
	for j := range o.Keys {
		if !o.seesKey(t, j, mask) {
			continue
		}
		all[j] = o.Score(o.row(q, t), o.row(k, j))
		if all[j] > most {
			most = all[j]
		}
	}
	most += 0
	for j := range o.Keys {
		if o.seesKey(t, j, mask) {
			all[j] = kernels.Exp(all[j] - most)
		}
	}
	return all
}
