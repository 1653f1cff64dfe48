package launch

import "github.com/verifyd/verifyd/kernels"

// logistic is the residual of logistic models: a thread a row of one model.
func logistic(op kernels.Operator) (Plan, bool) {
	o, ok := op.(kernels.LogisticResidual)
	if !ok {
		return Plan{}, false
	}
	n := o.Rows * o.Models
	if o.Columns == 0 {
		n = 0
	}
	return one(line("drn1_logistic_residual", parts(n, 256), 256, integer(n), integer(o.Columns), integer(o.Models),
		operand(0), operand(1), operand(2), operand(3)))
}
