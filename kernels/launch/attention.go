package launch

import "github.com/verifyd/verifyd/kernels"

const (
	// attentionTile is ATTENTION_TILE of attention.cuh, the causal block of contract.md section 7.2.
	attentionTile = 64
	// longestRow is the longest row whose sum is one R128 block.
	longestRow = 65536
)

// attentions are attention, sdpa and their gradients, for heads of at most one chunk of columns.
func attentions(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.SDPA:
		in, next := ownTensors(o)
		return in.forward(next)
	case kernels.SDPAGrad:
		in, next := ownTensors(kernels.SDPA(o))
		return in.backward(next, operand(next+4), operand(next+5), operand(next+6))
	case kernels.Attention:
		return packedTensor(o).forward(1)
	case kernels.AttentionGrad:
		in := packedTensor(kernels.Attention(o))
		width := o.Heads * o.HeadDim
		return in.backward(1, operand(5), part(5, width), part(5, 2*width))
	}
	return Plan{}, false
}

// attention is an attention with the places of its inputs: the steps of rows of queries and of keys, then q, k, v and, if there
// is one, the mask.
type attention struct {
	kernels.SDPA
	qstep, kstep int
	inputs       []Arg
}

// ownTensors has operands of its own for q, k and v. The first operand behind the inputs is next.
func ownTensors(o kernels.SDPA) (a attention, next int) {
	a = attention{o, o.Heads * o.HeadDim, o.KVHeads * o.HeadDim, []Arg{operand(0), operand(1), operand(2)}}
	if o.Masked {
		a.inputs = append(a.inputs, operand(3))
	}
	return a, len(a.inputs)
}

// packedTensor has q, k and v side by side in operand 0.
func packedTensor(o kernels.Attention) attention {
	width := o.Heads * o.HeadDim
	return attention{o.SDPA(), 3 * width, 3 * width, []Arg{operand(0), part(0, width), part(0, 2*width)}}
}

// part is the address of word offset of operand i.
func part(i, offset int) Arg { return Arg{Kind: Buffer, Index: i, Offset: offset} }

// prefixed is what the names of its kernels begin with; ok is false if there are none.
func (a attention) prefixed() (prefix string, ok bool) {
	profile, prefix, ok := kernelsOf(a.SDPA)
	if !ok || a.HeadDim > profile.Chunk() || a.Keys > longestRow || a.KVHeads == 0 || a.Heads%a.KVHeads != 0 {
		return "", false
	}
	return prefix, true
}

// forward has o, max and sum in operands o and on.
func (a attention) forward(o int) (Plan, bool) {
	prefix, ok := a.prefixed()
	if !ok {
		return Plan{}, false
	}
	return Plan{Launches: []Launch{
		a.launch(prefix+"attention", a.Queries, a.Heads, operand(o), operand(o+1), operand(o+2)),
	}}, true
}

// backward has o, max, sum and do in operands o and on.
func (a attention) backward(o int, dq, dk, dv Arg) (Plan, bool) {
	prefix, ok := a.prefixed()
	if !ok {
		return Plan{}, false
	}
	rows := a.Batch * a.Heads * a.Queries
	given := []Arg{operand(o + 3), operand(o + 1), operand(o + 2), workspace(0)}
	return Plan{Workspace: rows, Launches: []Launch{
		line("drn1_attention_grad_rows", parts(rows, 8), 256,
			integer(rows), integer(a.Heads), integer(a.Queries), integer(a.HeadDim), operand(o), operand(o+3), workspace(0)),
		a.launch(prefix+"attention_grad_queries", a.Queries, a.Heads, append(given[:4:4], dq)...),
		a.launch(prefix+"attention_grad_keys", a.Keys, a.KVHeads, append(given[:4:4], dk, dv)...),
	}}, true
}

// launch has a block for each tile of positions, each head, and each 64 columns of a head.
func (a attention) launch(kernel string, positions, heads int, more ...Arg) Launch {
	if a.Masked {
		kernel += "_masked"
	}
	var args []Arg
	for _, n := range []int{a.Heads, a.Heads / a.KVHeads, a.Queries, a.Keys, a.HeadDim} {
		args = append(args, integer(n))
	}
	args = append(args, flag(a.Causal), integer(a.qstep), integer(a.kstep), float(a.Scale))
	return Launch{
		Kernel: kernel, Block: [3]uint32{256, 1, 1}, Args: append(append(args, a.inputs...), more...),
		Grid: [3]uint32{uint32(parts(positions, attentionTile)), uint32(a.Batch * heads), uint32(parts(a.HeadDim, attentionTile))},
	}
}
