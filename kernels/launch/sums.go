package launch

import "github.com/verifyd/verifyd/kernels"

// sumBlock is the block of R128*, contract.md section 3.
const sumBlock = 65536

// blocks is the number of those blocks in n elements; nothing is one block. The longest operand has
// fewer than sumBlock of them, so that their sums are one block.
func blocks(n int) int { return max(1, parts(n, sumBlock)) }

// sums are the reductions of whole tensors.
func sums(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.Sum:
		return sum("drn1_sum_blocks", o.N), true
	case kernels.SumSquares:
		return sum("drn1_sum_squares_blocks", o.N), true
	case kernels.MSE:
		return meanOfPairs("drn1_mse_blocks", o.N), true
	case kernels.BCE:
		return meanOfPairs("drn1_bce_blocks", o.N), true
	}
	return Plan{}, false
}

// meanOfPairs is the plan of kernel, which sums the blocks of n terms of two operands, and of their mean.
func meanOfPairs(kernel string, n int) Plan {
	k := blocks(n)
	return Plan{Workspace: k, Launches: []Launch{
		line(kernel, k, 128, integer(n), operand(0), operand(1), workspace(0)),
		scaledSum(k, workspace(0), operand(2), inverse(n)),
	}}
}

// sum is the plan of kernel, which sums the blocks of n elements, and of the sum of those.
func sum(kernel string, n int) Plan {
	if blocks(n) == 1 {
		return Plan{Launches: []Launch{line(kernel, 1, 128, integer(n), operand(0), operand(1))}}
	}
	return Plan{Workspace: blocks(n), Launches: []Launch{
		line(kernel, blocks(n), 128, integer(n), operand(0), workspace(0)),
		line("drn1_sum_blocks", 1, 128, integer(blocks(n)), workspace(0), operand(1)),
	}}
}

// scaledSum is y = the sum of n numbers of one block times factor.
func scaledSum(n int, x, y Arg, factor float32) Launch {
	return line("drn1_scaled_sum", 1, 128, integer(n), x, y, float(factor))
}
