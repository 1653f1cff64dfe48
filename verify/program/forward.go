package program

import "github.com/verifyd/verifyd/kernels"

// GradientsSeeing is Gradients that shows the model's outputs. As soon as the gradient of a micro-batch's
// outputs is known, see gets the micro-batch, the outputs (rows one after another) and that gradient of
// the step's loss. Both are valid until see returns, and see changes neither. Everything else is as
// Gradients does it, bit for bit.
func (m *Machine) GradientsSeeing(t uint64, see func(i int, outputs, gradient []float32)) (loss float32, err error) {
	if err := m.prepare(t); err != nil {
		return 0, err
	}
	for i := range m.tape.plan.accum {
		calls := m.training[min(i, 1)].at(i)
		at := find(calls, isLossGradient)
		if err := m.run(calls[:at+1]); err != nil {
			return 0, err
		}
		bufs := calls[at].bufs
		see(i, bufs[0].F, bufs[len(bufs)-1].F)
		if err := m.run(calls[at+1:]); err != nil {
			return 0, err
		}
	}
	return m.word(m.tape.Loss), nil
}

// GradientsSeeingLinears is Gradients that shows what the gradients of the Linear nodes' weights are made of.
// In each micro-batch see gets, for the last such node first, its inputs and the gradient of its
// outputs, rows one after another: the weight's gradient is gradient^T * inputs. Both are valid until see
// returns, and see changes neither. Without weights those products are left out, and Grads has nothing
// of use. The program must have no other products than those of Linear nodes that are not transposed.
func (m *Machine) GradientsSeeingLinears(t uint64, weights bool, see func(i int, inputs, gradient []float32)) (loss float32, err error) {
	if err := m.prepare(t); err != nil {
		return 0, err
	}
	for i := range m.tape.plan.accum {
		calls := m.training[min(i, 1)].at(i)
		from := 0
		for at, c := range calls {
			if op, ok := c.op.(kernels.Gemm); !ok || !op.TransA { // only these products have it
				continue
			}
			if err := m.run(calls[from:at]); err != nil {
				return 0, err
			}
			see(i, c.bufs[1].F, c.bufs[0].F)
			if from = at; !weights {
				from++
			}
		}
		if err := m.run(calls[from:]); err != nil {
			return 0, err
		}
	}
	return m.word(m.tape.Loss), nil
}

// Forward computes the outputs that Gradients computes for step t, with the same dropout, and neither loss
// nor gradients: those of an earlier call stay. see gets each micro-batch's outputs, valid until it returns.
// Labels play no part, but they must be valid.
func (m *Machine) Forward(t uint64, see func(i int, outputs []float32)) error {
	if err := m.prepare(t); err != nil {
		return err
	}
	for i := range m.tape.plan.accum {
		calls := m.training[min(i, 1)].at(i)
		at := find(calls, isLoss)
		if err := m.run(calls[:at]); err != nil {
			return err
		}
		see(i, calls[at].bufs[0].F)
	}
	return nil
}

// find is the place of the only call that is wanted; every training list has one of each loss operator.
func find(calls []call, wanted func(kernels.Operator) bool) int {
	at := 0
	for !wanted(calls[at].op) {
		at++
	}
	return at
}

func isLoss(op kernels.Operator) bool {
	switch op.(type) {
	case kernels.CrossEntropy, kernels.MaskedCrossEntropy, kernels.MSE, kernels.BCE:
		return true
	}
	return false
}

func isLossGradient(op kernels.Operator) bool {
	switch op.(type) {
	case kernels.CrossEntropyGrad, kernels.MaskedCrossEntropyGrad, kernels.MSEGrad, kernels.BCEGrad:
		return true
	}
	return false
}
