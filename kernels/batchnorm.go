package kernels

import "math"

// BatchNorm normalises each channel of a micro-batch to mean 0 and variance 1, then applies gamma and beta (Ioffe and
// Szegedy, arXiv 1502.03167). var is the variance that divides by the number of elements. contract.md section 15.1.
//
//	x[N,C,P], gamma[C], beta[C] -> y[N,C,P], mean[C], var[C], rstd[C]
type BatchNorm struct {
	N, C, P int
	Eps     float32
}

func (o BatchNorm) Name() string { return "batch_norm" }
func (o BatchNorm) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"beta", F32, o.C, In},
		{"y", F32, n, Out}, {"mean", F32, o.C, Out}, {"var", F32, o.C, Out}, {"rstd", F32, o.C, Out},
	}
}

func (o BatchNorm) channels() channels           { return channels{o.N, o.C, o.P} }
func (o BatchNorm) pieces(_ *CPU, phase int) int { return onePhase(phase, o.channels().pieces()) }
func (o BatchNorm) piece(w *worker, _, i int, b []Buf) {
	s := o.channels()
	n, inv := s.len(), inverse(s.len())
	room := w.floats(n + 2*strip)
	x, room := room[:n], room[n:]
	lo, hi := s.pieceRange(i)
	for c := lo; c < hi; c++ {
		s.gather(x, b[0].F, c)
		mu := float32(w.vec.rowSum(x) * inv)
		variance := float32(w.vec.rowSumDeviations(x, mu) * inv)
		rs := rsqrt(variance + o.Eps)
		w.vec.normalise(x, room, b[1].F[c], b[2].F[c], mu, rs)
		s.scatter(b[3].F, x, c)
		b[4].F[c], b[5].F[c], b[6].F[c] = mu, variance, rs
	}
}

// BatchNormFrozen is BatchNorm with a mean and a variance that are given: running statistics. contract.md section 15.1.
//
//	x[N,C,P], gamma[C], beta[C], mean[C], var[C] -> y[N,C,P]
type BatchNormFrozen struct {
	N, C, P int
	Eps     float32
}

func (o BatchNormFrozen) Name() string { return "batch_norm_frozen" }
func (o BatchNormFrozen) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"beta", F32, o.C, In}, {"mean", F32, o.C, In}, {"var", F32, o.C, In},
		{"y", F32, n, Out},
	}
}

func (o BatchNormFrozen) channels() channels           { return channels{o.N, o.C, o.P} }
func (o BatchNormFrozen) pieces(_ *CPU, phase int) int { return onePhase(phase, o.channels().pieces()) }
func (o BatchNormFrozen) piece(w *worker, _, i int, b []Buf) {
	s := o.channels()
	n := s.len()
	room := w.floats(n + 2*strip)
	x, room := room[:n], room[n:]
	lo, hi := s.pieceRange(i)
	for c := lo; c < hi; c++ {
		s.gather(x, b[0].F, c)
		w.vec.normalise(x, room, b[1].F[c], b[2].F[c], b[3].F[c], rsqrt(b[4].F[c]+o.Eps))
		s.scatter(b[5].F, x, c)
	}
}

// RunningUpdate moves running statistics towards those of a micro-batch, contract.md section 15.2. Keep is
// 1 - momentum; Take is the momentum and, for a variance, n/(n-1) of its n elements, in binary64 and rounded once.
//
//	x[N] -> y[N], updated
type RunningUpdate struct {
	N          int
	Keep, Take float32
}

func (o RunningUpdate) Name() string { return "running_update" }
func (o RunningUpdate) Operands() []Operand {
	return []Operand{{"x", F32, o.N, In}, {"y", F32, o.N, InOut}}
}
func (o RunningUpdate) kernel() Kernel {
	return Kernel{"drn1_running_update", []uint32{math.Float32bits(o.Keep), math.Float32bits(o.Take)}}
}
func (o RunningUpdate) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o RunningUpdate) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	x, y := b[0].F[lo:hi], b[1].F[lo:hi]
	for i, v := range x {
		y[i] = float32(o.Keep*y[i]) + float32(o.Take*v)
	}
}
