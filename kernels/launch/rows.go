package launch

import "github.com/verifyd/verifyd/kernels"

// rowsPerBlock is the rows of a block of 128 threads, one warp each.
const rowsPerBlock = 4

// byRow is the launch of a kernel that treats rows by warps: its arguments are rows, cols, then more.
func byRow(kernel string, rows, cols int, more ...Arg) Launch {
	return line(kernel, parts(rows, rowsPerBlock), 32*rowsPerBlock, append([]Arg{integer(rows), integer(cols)}, more...)...)
}

// rowwise are the operators that reduce along a row.
func rowwise(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.RowSum:
		return one(byRow("drn1_row_sum", o.Rows, o.Cols, operand(0), operand(1)))
	case kernels.RowMax:
		return one(byRow("drn1_row_max", o.Rows, o.Cols, operand(0), operand(1)))
	case kernels.Softmax:
		return one(byRow("drn1_softmax", o.Rows, o.Cols, operand(0), operand(1)))
	case kernels.SoftmaxGrad:
		return one(byRow("drn1_softmax_grad", o.Rows, o.Cols, operand(0), operand(1), operand(2)))
	case kernels.LayerNorm:
		return one(byRow("drn1_layer_norm", o.Rows, o.Cols, operand(0), operand(1), operand(2),
			operand(3), operand(4), operand(5), float(inverse(o.Cols)), float(o.Eps)))
	case kernels.RMSNorm:
		return one(byRow("drn1_rms_norm", o.Rows, o.Cols, operand(0), operand(1), operand(2), operand(3),
			float(inverse(o.Cols)), float(o.Eps)))
	case kernels.LayerNormGrad:
		return normGrad(o.Rows, o.Cols, normOperands{x: operand(0), gamma: operand(1), mean: operand(2), rstd: operand(3), dy: operand(4),
			dx: operand(5), params: []Arg{operand(6), operand(7)}, centred: true}), true
	case kernels.RMSNormGrad:
		return normGrad(o.Rows, o.Cols, normOperands{x: operand(0), gamma: operand(1), mean: operand(2), rstd: operand(2), dy: operand(3),
			dx: operand(4), params: []Arg{operand(5)}}), true
	case kernels.CrossEntropy:
		return crossEntropy(o), true
	case kernels.CrossEntropyGrad:
		return one(byRow("drn1_cross_entropy_grad", o.Rows, o.Classes, operand(0), operand(1), operand(2), operand(3), operand(4), float(o.Scale)))
	case kernels.MaskedCrossEntropy:
		return maskedCrossEntropy(o), true
	case kernels.MaskedCrossEntropyGrad:
		named, other := o.Labels()
		return one(byRow("drn1_masked_cross_entropy_grad", o.Rows, o.Classes, operand(0), operand(1), operand(2), operand(3), operand(4), operand(5),
			integer(o.Ignore), float(named), float(other), float(o.Scale)))
	case kernels.Embedding:
		return one(line("drn1_embedding", parts(o.Rows, rowsPerBlock), 32*rowsPerBlock,
			integer(o.Rows), integer(o.Vocab), integer(o.Dim), operand(0), operand(1), operand(2)))
	}
	return Plan{}, false
}

// one is the plan of a single launch.
func one(l Launch) (Plan, bool) { return Plan{Launches: []Launch{l}}, true }

// crossEntropy is the rows, then the mean of their losses.
func crossEntropy(o kernels.CrossEntropy) Plan {
	rows := byRow("drn1_cross_entropy", o.Rows, o.Classes, operand(0), operand(1), operand(2), operand(4), operand(5))
	n := blocks(o.Rows)
	if n == 1 {
		return Plan{Launches: []Launch{rows, scaledSum(o.Rows, operand(2), operand(3), inverse(o.Rows))}}
	}
	return Plan{Workspace: n, Launches: []Launch{
		rows,
		line("drn1_sum_blocks", n, 128, integer(o.Rows), operand(2), workspace(0)),
		scaledSum(n, workspace(0), operand(3), inverse(o.Rows)),
	}}
}

// maskedCrossEntropy is the rows, then the mean over those that count.
func maskedCrossEntropy(o kernels.MaskedCrossEntropy) Plan {
	rows := byRow("drn1_masked_cross_entropy", o.Rows, o.Classes, operand(0), operand(1), operand(2), operand(3), operand(6), operand(7),
		integer(o.Ignore), float(o.Smoothing), float(1-o.Smoothing), float(inverse(o.Classes)))
	n := blocks(o.Rows)
	if n == 1 {
		return Plan{Launches: []Launch{rows, line("drn1_masked_mean", 1, 128, integer(o.Rows), operand(2), operand(3), operand(4), operand(5))}}
	}
	return Plan{Workspace: 2 * n, Launches: []Launch{
		rows,
		line("drn1_sum_blocks", n, 128, integer(o.Rows), operand(2), workspace(0)),
		line("drn1_sum_blocks", n, 128, integer(o.Rows), operand(3), workspace(n)),
		line("drn1_masked_mean", 1, 128, integer(n), workspace(0), workspace(n), operand(4), operand(5)),
	}}
}

// normOperands are the operands of the gradient of a normalisation. One that is not centred has no
// mean, and any address stands there.
type normOperands struct {
	x, gamma, mean, rstd, dy, dx Arg
	params                       []Arg // dgamma, and dbeta where there is one
	centred                      bool
}

// normGrad is dx by rows, then the sums over the rows: chunks of 512 rows into the workspace, and
// their fold.
func normGrad(rows, cols int, b normOperands) Plan {
	n := parts(rows, kernels.ChainChunk)
	columns := line("drn1_norm_grad_chunks", parts(cols, 32), 256, integer(rows), integer(cols), b.x, b.mean, b.rstd, b.dy, workspace(0), flag(b.centred))
	columns.Grid[1] = uint32(n)
	p := Plan{Workspace: 2 * n * cols, Launches: []Launch{
		byRow("drn1_norm_grad", rows, cols, b.x, b.gamma, b.mean, b.rstd, b.dy, b.dx, float(inverse(cols)), flag(b.centred)),
		columns,
	}}
	for i, param := range b.params {
		p.Launches = append(p.Launches, line("drn1_column_fold", parts(cols, 128), 128, integer(n), integer(cols), workspace(i*n*cols), param))
	}
	return p
}
