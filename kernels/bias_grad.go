package kernels

// BiasGrad is the gradient of BiasAdd by its bias: db[c] is the sum of dy[n,c,p] over K = (n,p),
// ascending, in the GEMM order of the product with ones (fma(1,x,P) = P+x).
//
// dy is NxCxP, db is C. P is 1 behind a linear layer and the number of pixels behind a convolution.
type BiasGrad struct{ N, C, P int }

// Name is "bias_grad".
func (BiasGrad) Name() string { return "bias_grad" }

// Operands are dy -> db.
func (o BiasGrad) Operands() []Operand {
	return []Operand{
		{Name: "dy", Len: o.N * o.C * o.P},
		{Name: "db", Len: o.C, Access: Out},
	}
}

func (o BiasGrad) pieces(_ *CPU, phase int) int {
	if phase > 0 {
		return 0
	}
	return 1
}

func (o BiasGrad) piece(w *worker, _, _ int, buf []Buf) {
	dy, db := buf[0].F, buf[1].F
	f := w.fold(o.C)
	for n := range o.N {
		for p := range o.P {
			f.add(n*o.P+p, 1, dy[n*o.C*o.P+p:], o.P)
		}
	}
	f.sum(db, 1)
}
