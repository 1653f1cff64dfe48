package kernels

import "fmt"

// LSTMCell is one step of a long short-term memory (Hochreiter and Schmidhuber, Neural Computation 1997), behind its
// products: x has the part of the inputs for all steps, h that of the state before this one. Gates are input, forget,
// cell and output, PyTorch's i, f, g and o. contract.md section 17.1.
//
//	x[Batch,Steps,4*Hidden], h[Batch,4*Hidden], b[4*Hidden], before[Batch,Hidden]
//	-> y[Batch,Hidden], c[Batch,Hidden], gates[Batch,4*Hidden]
type LSTMCell struct{ Batch, Steps, Step, Hidden int }

func (o LSTMCell) Name() string { return "lstm_cell" }
func (o LSTMCell) Operands() []Operand {
	n := o.Batch * o.Hidden
	return []Operand{
		{"x", F32, 4 * n * o.Steps, In}, {"h", F32, 4 * n, In}, {"b", F32, 4 * o.Hidden, In}, {"before", F32, n, In},
		{"y", F32, n, Out}, {"c", F32, n, Out}, {"gates", F32, 4 * n, Out},
	}
}

// check refuses a step beyond the last.
func (o LSTMCell) check() error { return checkStep(o.Name(), o.Step, o.Steps) }

func checkStep(name string, step, steps int) error {
	if step >= steps {
		return fmt.Errorf("%s: Step is %d, of %d", name, step, steps)
	}
	return nil
}

func (o LSTMCell) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Batch, 4*o.Hidden))
}
func (o LSTMCell) piece(w *worker, _, i int, b []Buf) {
	n := o.Hidden
	lo, hi := rowRange(i, o.Batch, 4*n)
	for r := lo; r < hi; r++ {
		z := b[6].F[4*n*r:][:4*n]
		w.vec.add(z, b[1].F[4*n*r:][:4*n], b[2].F)
		w.vec.add(z, b[0].F[4*n*(r*o.Steps+o.Step):][:4*n], z)
		in, forget, cell, out := z[:n], z[n:2*n], z[2*n:3*n], z[3*n:]
		w.vec.sigmoid(z[:2*n], z[:2*n])
		w.vec.tanh(cell, cell)
		w.vec.sigmoid(out, out)
		y, c := b[4].F[n*r:][:n], b[5].F[n*r:][:n]
		w.vec.mul(y, in, cell)
		w.vec.mul(c, forget, b[3].F[n*r:][:n])
		w.vec.add(c, c, y)
		w.vec.tanh(y, c)
		w.vec.mul(y, out, y)
	}
}

// LSTMCellGrad is the gradient of LSTMCell: dy has that of the outputs of all steps, dh what reaches this one from the
// step behind it, and dnext likewise for the cell. contract.md section 17.1.
//
//	gates[Batch,4*Hidden], before[Batch,Hidden], c[Batch,Hidden], dy[Batch,Steps,Hidden], dh[Batch,Hidden], dnext[Batch,Hidden]
//	-> dx[Batch,4*Hidden], dbefore[Batch,Hidden]
type LSTMCellGrad struct{ Batch, Steps, Step, Hidden int }

func (o LSTMCellGrad) Name() string { return "lstm_cell_grad" }
func (o LSTMCellGrad) Operands() []Operand {
	n := o.Batch * o.Hidden
	return []Operand{
		{"gates", F32, 4 * n, In}, {"before", F32, n, In}, {"c", F32, n, In}, {"dy", F32, n * o.Steps, In}, {"dh", F32, n, In}, {"dnext", F32, n, In},
		{"dx", F32, 4 * n, Out}, {"dbefore", F32, n, Out},
	}
}

// check refuses a step beyond the last.
func (o LSTMCellGrad) check() error { return checkStep(o.Name(), o.Step, o.Steps) }

func (o LSTMCellGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.Batch, 4*o.Hidden))
}
func (o LSTMCellGrad) piece(w *worker, _, i int, b []Buf) {
	n := o.Hidden
	lo, hi := rowRange(i, o.Batch, 4*n)
	for r := lo; r < hi; r++ {
		at := n * r
		gates, before := b[0].F[4*at:][:4*n], b[1].F[at:][:n]
		dx, dbefore := b[6].F[4*at:][:4*n], b[7].F[at:][:n]
		dy, dh, dnext := b[3].F[n*(r*o.Steps+o.Step):][:n], b[4].F[at:][:n], b[5].F[at:][:n]
		tanhs := w.floats(n)
		w.vec.tanh(tanhs, b[2].F[at:][:n])
		for k, t := range tanhs {
			in, forget, cell, out := gates[k], gates[n+k], gates[2*n+k], gates[3*n+k]
			d := dy[k] + dh[k]
			dc := mad(float32(d*out), 1-float32(t*t), dnext[k])
			dx[k] = float32(float32(dc*cell) * float32(in*(1-in)))
			dx[n+k] = float32(float32(dc*before[k]) * float32(forget*(1-forget)))
			dx[2*n+k] = float32(float32(dc*in) * (1 - float32(cell*cell)))
			dx[3*n+k] = float32(float32(d*t) * float32(out*(1-out)))
			dbefore[k] = float32(dc * forget)
		}
	}
}
