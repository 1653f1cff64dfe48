package launch

import "github.com/verifyd/verifyd/kernels"

// tableWidth is how many frequencies a launch of drn1_rope_table takes.
const tableWidth = 16

// ropes are rope and its table.
func ropes(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.Rope:
		heads := o.Batch * o.Positions * o.Heads
		n := heads * (o.HeadDim - o.Pairs)
		return one(line("drn1_rope", parts(n, 256), 256,
			integer(n), integer(o.Positions), integer(o.Heads), integer(o.HeadDim), integer(o.Pairs), flag(o.Interleaved), flag(o.Inverse),
			operand(0), operand(1), operand(2), operand(3)))
	case kernels.RopeTable:
		return ropeTable(o), true
	}
	return Plan{}, false
}

// ropeTable has a launch for each 16 frequencies, which are its arguments.
func ropeTable(o kernels.RopeTable) (p Plan) {
	pairs := o.Frequencies.Len()
	for first := 0; first < pairs; first += tableWidth {
		args := []Arg{integer(o.Positions), integer(o.Offset), integer(pairs), integer(first)}
		for j := first; j < first+tableWidth; j++ {
			args = append(args, float(o.Frequencies.At(min(j, pairs-1))))
		}
		p.Launches = append(p.Launches, line("drn1_rope_table", parts(o.Positions, 16), 256, append(args, operand(0), operand(1))...))
	}
	return p
}
