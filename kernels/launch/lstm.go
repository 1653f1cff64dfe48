package launch

import "github.com/verifyd/verifyd/kernels"

// cells are the steps of recurrent layers: a thread a cell.
func cells(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.LSTMCell:
		return cell("drn1_lstm_cell", o, 7)
	case kernels.LSTMCellGrad:
		return cell("drn1_lstm_cell_grad", kernels.LSTMCell(o), 8)
	}
	return Plan{}, false
}

func cell(kernel string, o kernels.LSTMCell, operands int) (Plan, bool) {
	n := o.Batch * o.Hidden
	args := []Arg{integer(n), integer(o.Hidden), integer(o.Steps), integer(o.Step)}
	for i := range operands {
		args = append(args, operand(i))
	}
	return one(line(kernel, parts(n, 256), 256, args...))
}
