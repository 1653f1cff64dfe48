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

// SDPA is the same gradient of tensors of their own.
func (o AttentionGrad) SDPA() SDPAGrad { return SDPAGrad(Attention(o).SDPA()) }

func (o AttentionGrad) pieces(c *CPU, phase int) int { return o.SDPA().pieces(c, phase) }

func (o AttentionGrad) piece(w *worker, _, i int, b []Buf) {
	f := Attention(o)
	s := f.SDPA()
	t := gradTensors{o: s.inRows(b[1].F, o.Heads), max: b[2].F, sum: b[3].F, do: s.inRows(b[4].F, o.Heads)}
	t.q, t.k, t.v = f.projections(b[0].F)
	t.dq, t.dk, t.dv = f.projections(b[5].F)
	s.gradients(w, i, nil, &t)
}

// operations are those of S again, dV, dP, dQ and dK.
func (o AttentionGrad) operations() uint64 { return o.SDPA().operations() }
