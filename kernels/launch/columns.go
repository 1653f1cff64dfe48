package launch

import "github.com/verifyd/verifyd/kernels"

// gradients are the sums of the GEMM order whose one factor is 1: of biases and of embeddings.
func gradients(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.BiasGrad:
		return biasGrad(o), true
	case kernels.EmbeddingGrad:
		return embeddingGrad(o), true
	}
	return Plan{}, false
}

func biasGrad(o kernels.BiasGrad) Plan {
	terms := o.N * o.P
	chunks := max(1, parts(terms, kernels.ChainChunk))
	var plan Plan
	out := operand(1)
	if chunks > 1 {
		out, plan.Workspace = workspace(0), chunks*o.C
	}
	if o.P == 1 {
		plan.Launches = []Launch{{
			Kernel: "drn1_bias_grad_columns",
			Grid:   [3]uint32{uint32(parts(o.C, 128)), uint32(chunks), 1},
			Block:  [3]uint32{128, 1, 1},
			Args:   []Arg{integer(o.C), integer(terms), operand(0), out},
		}}
	} else {
		args := append([]Arg{integer(o.C), integer(o.P)}, divisor(o.P)...)
		args = append(args, integer(terms), integer(chunks*o.C), operand(0), out)
		plan.Launches = []Launch{line("drn1_bias_grad_planes", parts(chunks*o.C, 32), 32, args...)}
	}
	if chunks > 1 {
		plan.Launches = append(plan.Launches, fold(o.C, chunks, kernels.ChainGroup/kernels.ChainChunk, operand(1)))
	}
	return plan
}

// embeddingGrad keeps the lists of rows with one id in the workspace: next, then head.
func embeddingGrad(o kernels.EmbeddingGrad) Plan {
	next, head := workspace(0), workspace(o.Rows)
	return Plan{Workspace: 2 * o.Rows, Launches: []Launch{
		line("drn1_zero", parts(o.Vocab*o.Dim, mapBlock), 256, integer(o.Vocab*o.Dim), operand(2)),
		line("drn1_embedding_grad_links", parts(o.Rows, 128), 128, integer(o.Rows), operand(0), next, head),
		{
			Kernel: "drn1_embedding_grad",
			Grid:   [3]uint32{uint32(o.Rows), uint32(parts(o.Dim, 128)), 1},
			Block:  [3]uint32{128, 1, 1},
			Args:   []Arg{integer(o.Vocab), integer(o.Dim), operand(0), next, head, operand(1), operand(2)},
		},
	}}
}
