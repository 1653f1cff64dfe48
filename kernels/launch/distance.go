package launch

import "github.com/verifyd/verifyd/kernels"

// distanceTile is the side of the square of outputs that a block computes, sq_distance.cu.
const distanceTile = 64

// distances is the operator on packed int16 coordinates.
func distances(op kernels.Operator) (Plan, bool) {
	o, ok := op.(kernels.SqDistance)
	if !ok {
		return Plan{}, false
	}
	l := line("drn1_sq_distance", parts(o.N, distanceTile), 256, integer(o.M), integer(o.N), integer(o.W), operand(0), operand(1), operand(2))
	l.Grid[1] = uint32(parts(o.M, distanceTile))
	return one(l)
}
