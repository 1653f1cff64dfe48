package kernels

// GradNorm is the norm of the whole gradient and the factor that clips it to MaxNorm, from the sums
// of squares of the tensors in the program's order. contract.md section 9.1. MaxNorm <= 0 means no
// clipping.
//
//	sums[Tensors] -> norm[1], coef[1]
type GradNorm struct {
	Tensors int
	MaxNorm float32
}

func (o GradNorm) Name() string { return "grad_norm" }
func (o GradNorm) Operands() []Operand {
	return []Operand{{"sums", F32, o.Tensors, In}, {"norm", F32, 1, Out}, {"coef", F32, 1, Out}}
}
func (o GradNorm) pieces(_ *CPU, phase int) int { return onePhase(phase, 1) }
func (o GradNorm) piece(w *worker, _, _ int, b []Buf) {
	norm := sqrt(w.vec.rowSum(b[0].F))
	coef := float32(1)
	if o.MaxNorm > 0 {
		// 0x1.0c6f7ap-20 is 1e-6, as in PyTorch's clip_grad_norm_. NaN stays NaN.
		if q := o.MaxNorm / (norm + 0x1.0c6f7ap-20); !(q >= 1) {
			coef = q
		}
	}
	b[1].F[0], b[2].F[0] = norm, coef
}
