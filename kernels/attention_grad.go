package kernels

// AttentionGrad is the gradient of Attention, contract.md section 7.2. It computes the weights again
// from the saved row statistics.
//
//	qkv[Batch,Seq,3,Heads,HeadDim], o[Batch,Seq,Heads,HeadDim],
//	max[Batch,Heads,Seq], sum[Batch,Heads,Seq], do[Batch,Seq,Heads,HeadDim]
//	-> dqkv[Batch,Seq,3,Heads,HeadDim]
type AttentionGrad struct {
	Batch, Heads, Seq, HeadDim int
	Causal                     bool
	Profile                    Profile
}

func (o AttentionGrad) Name() string { return "attention_grad" }
func (o AttentionGrad) Operands() []Operand {
	n, rows := Attention(o).elements(), o.Batch*o.Heads*o.Seq
	return []Operand{
		{"qkv", F32, 3 * n, In}, {"o", F32, n, In}, {"max", F32, rows, In}, {"sum", F32, rows, In},
		{"do", F32, n, In}, {"dqkv", F32, 3 * n, Out},
	}
}

func (o AttentionGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, o.Batch*o.Heads) }

// piece computes one head. The sums over queries are cut where the GEMM order cuts them, so that
// only one chunk of queries has its weights in memory.
func (o AttentionGrad) piece(w *worker, _, head int, b []Buf) {
	f := Attention(o)
	chunk, group := f.Profile.Chunk(), f.Profile.Group()
	n, rows := f.Seq*f.HeadDim, min(chunk, f.Seq)
	lengths := [...]int{
		n, n, n, 2 * rows * f.Seq,
		w.packedLen(f.Profile, f.HeadDim, f.Seq), w.packedLen(f.Profile, f.HeadDim, f.Seq), w.packedLen(f.Profile, f.Seq, f.HeadDim),
		w.packedLen(f.Profile, rows, f.HeadDim),
	}
	total := 0
	for _, l := range lengths {
		total += l
	}
	var parts [len(lengths)][]float32
	scratch := w.floats(total)
	for i, l := range lengths {
		parts[i], scratch = scratch[:l], scratch[l:]
	}
	h := headGrad{
		Attention: f, w: w,
		max: b[2].F[head*f.Seq : (head+1)*f.Seq],
		sum: b[3].F[head*f.Seq : (head+1)*f.Seq],
		o:   f.output(b[1].F, head), do: f.output(b[4].F, head),
		part: parts[0], dkGroup: parts[1], dvGroup: parts[2], weights: parts[3], rows: parts[7],
	}
	var k, v mat
	h.q, k, v = f.projections(b[0].F, head)
	h.dq, h.dk, h.dv = f.projections(b[5].F, head)
	h.kt = w.pack(f.Profile, f.HeadDim, f.Seq, k.transposed(), parts[4])
	h.vt = w.pack(f.Profile, f.HeadDim, f.Seq, v.transposed(), parts[5])
	h.k = w.pack(f.Profile, f.Seq, f.HeadDim, k, parts[6])
	clear(h.dkGroup)
	clear(h.dvGroup)
	for first := 0; first < f.Seq; first += chunk {
		last := min(first+chunk, f.Seq)
		p, ds := h.scores(first, last)
		h.queries(first, last, ds)
		h.addKeys(h.dvGroup, p, h.do, first, last)
		h.addKeys(h.dkGroup, ds, h.q, first, last)
		if last%group == 0 || last == f.Seq {
			h.endGroup(h.dv, h.dvGroup, last <= group)
			h.endGroup(h.dk, h.dkGroup, last <= group)
		}
	}
	h.scaleRows(h.dk, 0, f.Seq)
}

// headGrad is the gradient of one head in progress. Matrices are SeqxHeadDim.
type headGrad struct {
	Attention
	w                *worker
	q, o, do         mat
	k, kt, vt        right // kt and vt are the transposes of k and v
	dq, dk, dv       mat
	max, sum         []float32
	part             []float32 // one chunk's share of dk or dv
	dkGroup, dvGroup []float32
	weights          []float32 // p and ds of one chunk of queries
	rows             []float32 // one chunk of q or do, packed
}

// scores computes the weights p and the gradients ds of the scores of queries first to last.
func (h *headGrad) scores(first, last int) (p, ds mat) {
	n := h.keys(last - 1)
	size := (last - first) * n
	p, ds = mat{h.weights[:size], n, 1}, mat{h.weights[size : 2*size], n, 1}
	for at, end := first, 0; at < last; at = end {
		end = min(at+h.step(), last)
		h.w.gemmPacked(end-at, h.keys(at), 0, h.HeadDim, h.q.from(at, 0), h.kt, p.from(at-first, 0))
		h.w.gemmPacked(end-at, h.keys(at), 0, h.HeadDim, h.do.from(at, 0), h.vt, ds.from(at-first, 0))
	}
	v, scale := h.w.vec, h.scale()
	for i := first; i < last; i++ {
		pi, di := p.from(i-first, 0).data[:h.keys(i)], ds.from(i-first, 0).data[:h.keys(i)]
		seen := h.visible(i)
		clear(pi[seen:])
		clear(di[seen:])
		pi, di = pi[:seen], di[:seen]
		v.scale(pi, pi, scale)
		v.expScale(pi, pi, h.max[i], 1/h.sum[i], 1)
		d := v.rowSumProducts(h.do.from(i, 0).data[:h.HeadDim], h.o.from(i, 0).data[:h.HeadDim])
		v.softmaxGrad(di, pi, di, d)
	}
	return p, ds
}

// queries computes dq = scale*(ds k) of queries first to last.
func (h *headGrad) queries(first, last int, ds mat) {
	for at, end := first, 0; at < last; at = end {
		end = min(at+h.step(), last)
		h.w.gemmPacked(end-at, h.HeadDim, 0, h.keys(at), ds.from(at-first, 0), h.k, h.dq.from(at, 0))
	}
	h.scaleRows(h.dq, first, last)
}

// addKeys adds the chunk of queries first to last of the product of the transpose of p with x to
// group. A key has the queries of its own causal block and of those after it as terms.
func (h *headGrad) addKeys(group []float32, p, x mat, first, last int) {
	part := mat{h.part, h.HeadDim, 1}
	chunk := h.w.pack(h.Profile, last-first, h.HeadDim, x.from(first, 0), h.rows)
	keys := h.keys(last - 1)
	before := keys // keys that have all the chunk's queries as terms
	if h.Causal {
		before = first
	}
	if before > 0 {
		h.w.gemmPacked(before, h.HeadDim, 0, last-first, p.transposed(), chunk, part)
	}
	for at, end := before, 0; at < keys; at = end {
		end = min(at+causalBlock, keys)
		h.w.gemmPacked(end-at, h.HeadDim, at-first, last-first, p.from(at-first, at).transposed(), chunk, part.from(at, 0))
	}
	h.w.vec.add(group[:keys*h.HeadDim], group[:keys*h.HeadDim], h.part[:keys*h.HeadDim])
}

// endGroup adds group to d, or sets d to it if it is the first, and clears it.
func (h *headGrad) endGroup(d mat, group []float32, first bool) {
	for i := range h.Seq {
		row, g := d.from(i, 0).data[:h.HeadDim], group[i*h.HeadDim:(i+1)*h.HeadDim]
		if first {
			copy(row, g)
		} else {
			h.w.vec.add(row, row, g)
		}
	}
	clear(group)
}

// scaleRows multiplies rows first to last of d by the factor of the scores.
func (h *headGrad) scaleRows(d mat, first, last int) {
	scale := h.scale()
	for i := first; i < last; i++ {
		row := d.from(i, 0).data[:h.HeadDim]
		h.w.vec.scale(row, row, scale)
	}
}

// operations are those of S again, dV, dP, dQ and dK.
func (o AttentionGrad) operations() uint64 {
	return terms(5*2, o.Batch, o.Heads, o.Seq, o.Seq, o.HeadDim)
}
