package kernels

import "math"

// BCE is the mean of the binary cross entropies of logits x against shares t, contract.md section 7.6.
//
//	x[N], t[N] -> loss[1]
type BCE struct{ N int }

func (o BCE) Name() string { return "bce_with_logits" }
func (o BCE) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"t", F32, o.N, In}, {"loss", F32, 1, Out}}
}
func (o BCE) pieces(c *CPU, phase int) int { return sumPieces(c, phase, o.N) }
func (o BCE) piece(w *worker, phase, i int, b []Buf) {
	if phase == 1 {
		b[2].F[0] = float32(w.vec.rowSum(w.cpu.partial) * inverse(o.N))
		return
	}
	lo, hi := blockRange(i, o.N)
	w.cpu.partial[i] = sumBinary(b[0].F[lo:hi], b[1].F[lo:hi])
}

func sumBinary(x, t []float32) float32 {
	var l lanes
	t = t[:len(x)]
	for i, v := range x {
		shared := float32(v * t[i])
		first, down := -shared, v // max(x, 0) - x*t, and -|x|
		if v > 0 {
			first, down = v-shared, -v
		}
		l[i&127] += first + log(1+exp(down))
	}
	return l.sum()
}

// BCEGrad is (sigmoid(x)-t)*Scale, where Scale is 1/N times the gradient of the loss. contract.md section 7.6.
//
//	x[N], t[N] -> dx[N]
type BCEGrad struct {
	N     int
	Scale float32
}

func (o BCEGrad) Name() string { return "bce_with_logits_grad" }
func (o BCEGrad) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"t", F32, o.N, In}, {"dx", F32, o.N, Out}}
}
func (BCEGrad) inPlace() int                   { return 1 }
func (o BCEGrad) kernel() Kernel               { return Kernel{"drn1_bce_grad", []uint32{math.Float32bits(o.Scale)}} }
func (o BCEGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o BCEGrad) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	dx := b[2].F[lo:hi]
	w.vec.sigmoid(dx, b[0].F[lo:hi])
	w.vec.subScale(dx, dx, b[1].F[lo:hi], o.Scale)
}
