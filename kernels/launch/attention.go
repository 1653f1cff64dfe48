package launch

import (
	"math"

	"github.com/verifyd/verifyd/kernels"
)

const (
	// attentionTile is ATTENTION_TILE of attention.cuh, the causal block of contract.md section 7.2.
	attentionTile = 64
	// longestRow is the longest row whose sum is one R128 block.
	longestRow = 65536
)

// attentions are attention and its gradient, for heads of at most one chunk of columns.
func attentions(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.Attention:
		return attention(o)
	case kernels.AttentionGrad:
		return attentionGrad(o)
	}
	return Plan{}, false
}

func attention(o kernels.Attention) (Plan, bool) {
	profile, prefix, ok := kernelsOf(o)
	if !ok || o.HeadDim > profile.Chunk() || o.Seq > longestRow {
		return Plan{}, false
	}
	args := append(attentionArgs(o), operand(0), operand(1), operand(2), operand(3))
	return Plan{Launches: []Launch{{Kernel: prefix + "attention", Grid: attentionGrid(o), Block: [3]uint32{256, 1, 1}, Args: args}}}, true
}

func attentionGrad(g kernels.AttentionGrad) (Plan, bool) {
	o := kernels.Attention(g)
	profile, prefix, ok := kernelsOf(o)
	if !ok || o.HeadDim > profile.Chunk() || o.Seq > longestRow {
		return Plan{}, false
	}
	rows := o.Batch * o.Heads * o.Seq
	args := append(attentionArgs(o), operand(0), operand(4), operand(2), operand(3), workspace(0), operand(5))
	return Plan{Workspace: rows, Launches: []Launch{
		line("drn1_attention_grad_rows", parts(rows, 8), 256,
			integer(rows), integer(o.Heads), integer(o.Seq), integer(o.HeadDim), operand(1), operand(4), workspace(0)),
		{Kernel: prefix + "attention_grad_queries", Grid: attentionGrid(o), Block: [3]uint32{256, 1, 1}, Args: args},
		{Kernel: prefix + "attention_grad_keys", Grid: attentionGrid(o), Block: [3]uint32{256, 1, 1}, Args: args},
	}}, true
}

// attentionArgs are the shape and the factor of the scores, 1/sqrt(HeadDim) in binary64 rounded once.
func attentionArgs(o kernels.Attention) []Arg {
	return []Arg{
		integer(o.Heads), integer(o.Seq), integer(o.HeadDim), flag(o.Causal),
		float(float32(1 / math.Sqrt(float64(o.HeadDim)))),
	}
}

// attentionGrid has a block for each tile of positions, each head, and each 64 columns of a head.
func attentionGrid(o kernels.Attention) [3]uint32 {
	return [3]uint32{
		uint32(parts(o.Seq, attentionTile)), uint32(o.Batch * o.Heads), uint32(parts(o.HeadDim, attentionTile)),
	}
}
