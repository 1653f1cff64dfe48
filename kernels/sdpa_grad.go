package kernels

// SDPAGrad is the gradient of SDPA, contract.md section 7.2. It computes the weights again from the saved row statistics.
//
//	q, k, v and mask of SDPA, o[Batch,Queries,Heads,HeadDim], max[Batch,Heads,Queries], sum[Batch,Heads,Queries],
//	do[Batch,Queries,Heads,HeadDim]
//	-> dq[Batch,Queries,Heads,HeadDim], dk[Batch,Keys,KVHeads,HeadDim], dv[Batch,Keys,KVHeads,HeadDim]
type SDPAGrad SDPA

func (o SDPAGrad) Name() string { return "sdpa_grad" }
func (o SDPAGrad) Operands() []Operand {
	n, rows := o.Batch*o.Queries*o.Heads*o.HeadDim, o.Batch*o.Heads*o.Queries
	m := o.Batch * o.Keys * o.KVHeads * o.HeadDim
	return append(SDPA(o).inputs(),
		Operand{"o", F32, n, In}, Operand{"max", F32, rows, In}, Operand{"sum", F32, rows, In}, Operand{"do", F32, n, In},
		Operand{"dq", F32, n, Out}, Operand{"dk", F32, m, Out}, Operand{"dv", F32, m, Out})
}

func (o SDPAGrad) check() error { return SDPA(o).check() }

func (o SDPAGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, o.Batch*o.KVHeads) }

func (o SDPAGrad) piece(w *worker, _, i int, b []Buf) {
	f := SDPA(o)
	mask, rest := f.maskOf(b)
	f.gradients(w, i, mask, &gradTensors{
		q: f.inRows(b[0].F, f.Heads), k: f.inRows(b[1].F, f.KVHeads), v: f.inRows(b[2].F, f.KVHeads),
		o: f.inRows(rest[0].F, f.Heads), max: rest[1].F, sum: rest[2].F, do: f.inRows(rest[3].F, f.Heads),
		dq: f.inRows(rest[4].F, f.Heads), dk: f.inRows(rest[5].F, f.KVHeads), dv: f.inRows(rest[6].F, f.KVHeads),
	})
}

// gradTensors are the operands of a gradient.
type gradTensors struct {
	q, k, v, o, do, dq, dk, dv headRows
	max, sum                   []float32
}

// gradients computes piece i, one head of keys with the queries that share it. The sums over queries are cut where the GEMM
// order cuts them, so that only one chunk of queries has its weights in memory.
func (o SDPA) gradients(w *worker, i int, mask []int32, t *gradTensors) {
	sample, kv, shared := i/o.KVHeads, i%o.KVHeads, o.Heads/o.KVHeads
	seen := w.keysOf(o, mask, sample)
	h := headGrad{
		SDPA: o, w: w, seen: seen,
		dk: t.dk.head(o.HeadDim, o.Keys, sample, kv), dv: t.dv.head(o.HeadDim, o.Keys, sample, kv),
	}
	if seen.n == 0 {
		h.unseen(t, sample, kv*shared)
		return
	}
	h.lay(t, sample, kv*shared)
	chunk, group := o.Profile.Chunk(), o.Profile.Group()
	each := (o.Queries + chunk - 1) / chunk * chunk // positions of a query head in the sums over queries
	ended := 0                                      // groups
	for s := range shared {
		h.turn(t, sample, kv*shared+s)
		for first := 0; first < o.Queries; first += chunk {
			last := min(first+chunk, o.Queries)
			p, ds := h.scores(first, last)
			h.queries(first, last, ds)
			h.addKeys(h.dvGroup, p, h.do, first, last)
			h.addKeys(h.dkGroup, ds, h.q, first, last)
			if at := s*each + first + chunk; at%group == 0 || at == shared*each {
				h.endGroup(h.dv, h.dvGroup, ended == 0)
				h.endGroup(h.dk, h.dkGroup, ended == 0)
				ended++
			}
		}
	}
	if ended == 0 { // no queries
		h.endGroup(h.dv, h.dvGroup, true)
		h.endGroup(h.dk, h.dkGroup, true)
	}
	h.endKeys()
}

// headGrad is the gradient of one head of keys in progress. The matrices of queries are those of the query head whose turn it
// is.
type headGrad struct {
	SDPA
	w                *worker
	seen             seenKeys
	q, o, do         mat
	k, kt, vt        right // kt and vt are the transposes of k and v
	dq, dk, dv       mat
	max, sum         []float32
	part             []float32 // one chunk's share of dk or dv
	dkGroup, dvGroup []float32
	weights          []float32 // p and ds of one chunk of queries
	rows             []float32 // one chunk of q or do, packed
}

// lay shares out the worker's scratch, and packs keys and values.
func (h *headGrad) lay(t *gradTensors, sample, head int) {
	n, keys, dim := h.seen.n*h.HeadDim, h.seen.n, h.HeadDim
	rows := min(h.Profile.Chunk(), h.Queries)
	along, across := h.w.packedLen(h.Profile, dim, keys), h.w.packedLen(h.Profile, keys, dim)
	lengths := [...]int{n, n, n, 2 * rows * keys, along, along, across, h.w.packedLen(h.Profile, rows, dim), h.seen.room(h.SDPA, keys)}
	total := 0
	for _, l := range lengths {
		total += l
	}
	var parts [len(lengths)][]float32
	scratch := h.w.floats(total)
	for i, l := range lengths {
		parts[i], scratch = scratch[:l], scratch[l:]
	}
	h.part, h.dkGroup, h.dvGroup, h.weights, h.rows = parts[0], parts[1], parts[2], parts[3], parts[7]
	k, v, _ := h.seen.rows(h.SDPA, sample, head, keys, t.k, t.v, parts[8])
	h.kt = h.w.pack(h.Profile, dim, keys, k.transposed(), parts[4])
	h.vt = h.w.pack(h.Profile, dim, keys, v.transposed(), parts[5])
	h.k = h.w.pack(h.Profile, keys, dim, k, parts[6])
	clear(h.dkGroup)
	clear(h.dvGroup)
}

// unseen is the gradient where no key is seen.
func (h *headGrad) unseen(t *gradTensors, sample, head int) {
	for s := range h.Heads / h.KVHeads {
		dq := t.dq.head(h.HeadDim, h.Queries, sample, head+s)
		for i := range h.Queries {
			clear(dq.from(i, 0).data[:h.HeadDim])
		}
	}
	h.endKeys()
}

// turn begins with a query head.
func (h *headGrad) turn(t *gradTensors, sample, head int) {
	of := func(x headRows) mat { return x.head(h.HeadDim, h.Queries, sample, head) }
	h.q, h.o, h.do, h.dq = of(t.q), of(t.o), of(t.do), of(t.dq)
	at := (sample*h.Heads + head) * h.Queries
	h.max, h.sum = t.max[at:][:h.Queries], t.sum[at:][:h.Queries]
}

// scores computes the weights p and the gradients ds of the scores of queries first to last.
func (h *headGrad) scores(first, last int) (p, ds mat) {
	n := h.weighs(last-1, h.seen)
	size := (last - first) * n
	p, ds = mat{h.weights[:size], n, 1}, mat{h.weights[size : 2*size], n, 1}
	for at, end := first, 0; at < last; at = end {
		end = min(at+h.step(), last)
		h.w.gemmPacked(end-at, h.weighs(at, h.seen), 0, h.HeadDim, h.q.from(at, 0), h.kt, p.from(at-first, 0))
		h.w.gemmPacked(end-at, h.weighs(at, h.seen), 0, h.HeadDim, h.do.from(at, 0), h.vt, ds.from(at-first, 0))
	}
	v := h.w.vec
	for i := first; i < last; i++ {
		weighed, seen := h.weighs(i, h.seen), h.sees(i, h.seen)
		pi, di := p.from(i-first, 0).data[:weighed], ds.from(i-first, 0).data[:weighed]
		clear(pi[seen:])
		clear(di[seen:])
		pi, di = pi[:seen], di[:seen]
		v.scale(pi, pi, h.Scale)
		v.expScale(pi, pi, h.max[i], 1/h.sum[i], 1)
		d := v.rowSumProducts(h.do.from(i, 0).data[:h.HeadDim], h.o.from(i, 0).data[:h.HeadDim])
		v.softmaxGrad(di, pi, di, d)
		h.seen.clear(pi)
		h.seen.clear(di)
	}
	return p, ds
}

// queries computes dq = Scale*(ds k) of queries first to last.
func (h *headGrad) queries(first, last int, ds mat) {
	for at, end := first, 0; at < last; at = end {
		end = min(at+h.step(), last)
		h.w.gemmPacked(end-at, h.HeadDim, 0, h.weighs(at, h.seen), ds.from(at-first, 0), h.k, h.dq.from(at, 0))
	}
	for i := first; i < last; i++ {
		row := h.dq.from(i, 0).data[:h.HeadDim]
		h.w.vec.scale(row, row, h.Scale)
	}
}

// addKeys adds the chunk of queries first to last of the product of the transpose of p with x to
// group. A key has the queries of its own causal block and of those after it as terms.
func (h *headGrad) addKeys(group []float32, p, x mat, first, last int) {
	keys := h.weighs(last-1, h.seen)
	if keys == 0 {
		return
	}
	part := mat{h.part, h.HeadDim, 1}
	chunk := h.w.pack(h.Profile, last-first, h.HeadDim, x.from(first, 0), h.rows)
	before := keys // keys that have all the chunk's queries as terms
	if h.Causal {
		before = min(first, keys)
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
	for i := range h.seen.n {
		row, g := d.from(i, 0).data[:h.HeadDim], group[i*h.HeadDim:(i+1)*h.HeadDim]
		if first {
			copy(row, g)
		} else {
			h.w.vec.add(row, row, g)
		}
	}
	clear(group)
}

// endKeys multiplies dk by the factor of the scores, and gives keys that no query may see +0.
func (h *headGrad) endKeys() {
	for i := range h.seen.n {
		row := h.dk.from(i, 0).data[:h.HeadDim]
		h.w.vec.scale(row, row, h.Scale)
	}
	zero := func(i int) {
		clear(h.dk.from(i, 0).data[:h.HeadDim])
		clear(h.dv.from(i, 0).data[:h.HeadDim])
	}
	for _, i := range h.seen.holes {
		zero(int(i))
	}
	for i := h.seen.n; i < h.Keys; i++ {
		zero(i)
	}
}

// operations are those of S again, dV, dP, dQ and dK.
func (o SDPAGrad) operations() uint64 {
	return terms(5*2, o.Batch, o.Heads, o.Queries, o.Keys, o.HeadDim)
}
