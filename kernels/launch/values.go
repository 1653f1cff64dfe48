package launch

import "github.com/verifyd/verifyd/kernels"

// coalitionsOfThread is how many coalitions a thread of coalition_sum.cu sums for.
const coalitionsOfThread = 8

// values are the operators that value contributions.
func values(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.CoalitionSum:
		if o.Coalitions == 0 {
			return Plan{}, true
		}
		l := line("drn1_coalition_sum", parts(o.N, 256), 256, integer(o.Coalitions), integer(o.Players), integer(o.N),
			operand(0), operand(1), operand(2), operand(3), operand(4))
		l.Grid[1] = uint32(parts(o.Coalitions, coalitionsOfThread))
		return one(l)
	case kernels.KNNOrder:
		l := line("drn1_knn_order", parts(o.N, 256), 256, integer(o.N), operand(0), operand(1))
		l.Grid[1] = uint32(o.Rows)
		return one(l)
	case kernels.KNNRecursion:
		rows := line("drn1_knn_recursion", o.Rows, 256, integer(o.N), operand(0), operand(1), operand(2), operand(3), workspace(0))
		if o.N == 0 {
			rows.Grid[0] = 0
		}
		sum := line("drn1_knn_recursion_sum", parts(o.N, 256), 256, integer(o.Rows), integer(o.N), workspace(0), operand(4))
		return Plan{Launches: []Launch{rows, sum}, Workspace: 2 * o.Rows * o.N}, true
	}
	return Plan{}, false
}
