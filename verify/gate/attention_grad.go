package gate

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// measureAttentionGrad adds four products of an attention's gradient: that of the weights, and those of queries, keys and
// values. The scores, which it computes again, are the attention's.
func (p *Plan) measureAttentionGrad(call int, o attention) error {
	var t uint64
	for range 4 {
		var err error
		if t, err = p.multiplyAdds(o.heads(), o.weighed(), o.HeadDim); err != nil {
			return err
		}
	}
	p.products += 4
	p.parts = append(p.parts,
		scores{o, call, "attention_grad weights", t, forScores, o.gradient, o.value},
		gradients{o, call, t})
	return nil
}

// gradients are the products of weights and of gradients of scores with what they lead to.
type gradients struct {
	attention
	call int
	t    uint64
}

func (p gradients) draw(d draws) probe {
	base := uint32(p.call * kinds)
	from := d.at(base + forWeights + forLines)
	head := from.below(p.heads())
	queries, keys := p.queries(from), p.keys(from)
	statistics := make([]int32, p.Queries)
	for t := range statistics {
		statistics[t] = int32(head*p.Queries + t)
	}
	reads := []program.Read{
		{Call: p.call, Operand: p.query.operand, At: p.whole(p.query, head)},
		{Call: p.call, Operand: p.key.operand, At: p.whole(p.key, p.keyHead(head))},
		{Call: p.call, Operand: p.value.operand, At: p.whole(p.value, p.keyHead(head))},
		{Call: p.call, Operand: p.gradient.operand, At: p.whole(p.gradient, head)},
		{Call: p.call, Operand: p.output.operand, At: p.whole(p.output, head)},
		{Call: p.call, Operand: p.max, At: statistics},
		{Call: p.call, Operand: p.sum, At: statistics},
	}
	if p.Masked {
		reads = append(reads, program.Read{Call: p.call, Operand: p.mask, At: p.maskOf(head)})
	}
	own := len(reads) // what is read for one head; behind it come rows of all
	last := p.after(keys)
	products := []struct {
		name  string
		kind  uint32
		b     matrix
		spans [][2]int
		lines func(h *headLines) [][]float32 // the first factor
		whole int                            // the read that holds the second one
		terms []int
		rows  *rows
	}{
		{name: "attention_grad queries", kind: forWeights, b: p.key, spans: p.spans(queries), whole: 1,
			lines: func(h *headLines) [][]float32 { return h.queries }},
		{name: "attention_grad keys", kind: forKeys, b: p.query, spans: last, whole: 0,
			lines: func(h *headLines) [][]float32 { return h.keys }},
		{name: "attention_grad values", kind: forValues, b: p.gradient, spans: last, whole: 3,
			lines: func(h *headLines) [][]float32 { return h.shares }},
	}
	chunks := make([][]chunk, len(products))
	for i := range products {
		w := &products[i]
		n := w.b.n // terms
		chunks[i] = p.weightedChains(d.at(base+w.kind+forChains), n, w.spans)
		w.terms = p.seen(d.at(base+w.kind+forA), i == 0)
		w.rows = drawRows(d.at(base+w.kind+forB), w.b.heads*p.HeadDim, n, true)
		f := p.dimensions(w.b)
		reads = append(reads, program.Read{Call: p.call, Operand: f.Operand, At: w.rows.elements(f.At)})
	}
	return probe{reads: reads, count: func(words [][]float32, to *Counters) {
		h := p.lines(words, queries, keys)
		for i, w := range products {
			a := w.lines(h)
			e, s := p.countWeighted(chunks[i], a, words[w.whole])
			to.Products = append(to.Products, Product{
				Call: p.call, Name: w.name, T: p.t, E: e, S: s, A: countLines(a, w.terms), B: w.rows.count(words[own+i]),
			})
		}
	}}
}

// after are the queries of one head that are terms of the sums of keys: each head begins with a chunk.
func (o attention) after(keys []int) (all [][2]int) {
	for _, j := range keys {
		first := 0
		if o.Causal {
			first = min(j/o.Block()*o.Block(), o.Queries)
		}
		all = append(all, [2]int{first, o.Queries})
	}
	return all
}

// headLines are lines of one head, of as many terms as there are keys, or queries, +0 where a query does not see a key.
type headLines struct {
	queries [][]float32 // gradients of the scores of queries, by key
	keys    [][]float32 // those of keys, by query
	shares  [][]float32 // the shares that queries have of keys, by query
}

// lines computes the lines of queries and keys of one head from what was read of it.
func (p gradients) lines(words [][]float32, queries, keys []int) *headLines {
	q, k, v, do, o, most, sums := words[0], words[1], words[2], words[3], words[4], words[5], words[6]
	var mask []float32
	if p.Masked {
		mask = words[7]
	}
	inner := make([]float32, p.Queries) // sums of products of do and o
	for t := range inner {
		inner[t] = kernels.SumProducts(p.row(do, t), p.row(o, t))
	}
	// pair is p and ds of query i and key j.
	pair := func(i, j int) (share, gradient float32) {
		e := kernels.Exp(p.Score(p.row(q, i), p.row(k, j)) - most[i])
		share = float32(e * float32(1/sums[i]))
		return share, float32(share * float32(p.Profile.Dot(p.row(do, i), p.row(v, j))-inner[i]))
	}
	h := new(headLines)
	for _, i := range queries {
		line := make([]float32, p.Keys)
		for j := range line {
			if p.seesKey(i, j, mask) {
				_, line[j] = pair(i, j)
			}
		}
		h.queries = append(h.queries, line)
	}
	for _, j := range keys {
		shares, line := make([]float32, p.Queries), make([]float32, p.Queries)
		for i := range line {
			if p.seesKey(i, j, mask) {
				shares[i], line[i] = pair(i, j)
			}
		}
		h.shares, h.keys = append(h.shares, shares), append(h.keys, line)
	}
	return h
}
