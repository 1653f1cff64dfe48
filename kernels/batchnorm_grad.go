package kernels

// BatchNormGrad is the gradient of BatchNorm, contract.md section 15.1.
//
//	x[N,C,P], gamma[C], mean[C], rstd[C], dy[N,C,P] -> dx[N,C,P], dgamma[C], dbeta[C]
type BatchNormGrad struct{ N, C, P int }

func (o BatchNormGrad) Name() string { return "batch_norm_grad" }
func (o BatchNormGrad) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"mean", F32, o.C, In}, {"rstd", F32, o.C, In}, {"dy", F32, n, In},
		{"dx", F32, n, Out}, {"dgamma", F32, o.C, Out}, {"dbeta", F32, o.C, Out},
	}
}

func (o BatchNormGrad) channels() channels           { return channels{o.N, o.C, o.P} }
func (o BatchNormGrad) pieces(_ *CPU, phase int) int { return onePhase(phase, o.channels().pieces()) }
func (o BatchNormGrad) piece(w *worker, _, i int, b []Buf) {
	s := o.channels()
	inv := inverse(s.len())
	r := w.channelRoom(s)
	lo, hi := s.pieceRange(i)
	for c := lo; c < hi; c++ {
		gamma, mu, rs := b[1].F[c], b[2].F[c], b[3].F[c]
		s.gather(r.x, b[0].F, c)
		s.gather(r.dy, b[4].F, c)
		dbeta, dgamma := w.vec.channelSums(r.dy, r.x, r.ones, mu, rs)
		c1, c2 := float32(float32(dbeta*gamma)*inv), float32(float32(dgamma*gamma)*inv)
		g := filled(r.strip[:min(strip, len(r.x))], gamma)
		for at := 0; at < len(r.x); at += strip {
			end := min(at+strip, len(r.x))
			w.vec.normGrad(r.dy[at:end], r.dy[at:end], g[:end-at], r.x[at:end], mu, rs, c1, c2)
		}
		s.scatter(b[5].F, r.dy, c)
		b[6].F[c], b[7].F[c] = dgamma, dbeta
	}
}

// BatchNormFrozenGrad is the gradient of BatchNormFrozen, whose mean and variance are constants. contract.md
// section 15.1.
//
//	x[N,C,P], gamma[C], mean[C], var[C], dy[N,C,P] -> dx[N,C,P], dgamma[C], dbeta[C]
type BatchNormFrozenGrad struct {
	N, C, P int
	Eps     float32
}

func (o BatchNormFrozenGrad) Name() string { return "batch_norm_frozen_grad" }
func (o BatchNormFrozenGrad) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"mean", F32, o.C, In}, {"var", F32, o.C, In}, {"dy", F32, n, In},
		{"dx", F32, n, Out}, {"dgamma", F32, o.C, Out}, {"dbeta", F32, o.C, Out},
	}
}

func (o BatchNormFrozenGrad) channels() channels { return channels{o.N, o.C, o.P} }
func (o BatchNormFrozenGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, o.channels().pieces())
}
func (o BatchNormFrozenGrad) piece(w *worker, _, i int, b []Buf) {
	s := o.channels()
	r := w.channelRoom(s)
	lo, hi := s.pieceRange(i)
	for c := lo; c < hi; c++ {
		gamma, mu, rs := b[1].F[c], b[2].F[c], rsqrt(b[3].F[c]+o.Eps)
		s.gather(r.x, b[0].F, c)
		s.gather(r.dy, b[4].F, c)
		dbeta, dgamma := w.vec.channelSums(r.dy, r.x, r.ones, mu, rs)
		w.vec.scale(r.dy, r.dy, gamma)
		w.vec.scale(r.dy, r.dy, rs)
		s.scatter(b[5].F, r.dy, c)
		b[6].F[c], b[7].F[c] = dgamma, dbeta
	}
}

// channelRoom is a worker's scratch for a channel and its gradient.
type channelRoom struct{ x, dy, ones, strip []float32 }

func (w *worker) channelRoom(s channels) channelRoom {
	n, ones := s.len(), min(s.len(), r128Block)
	f := w.floats(2*n + ones + strip)
	return channelRoom{f[:n:n], f[n : 2*n : 2*n], filled(f[2*n:2*n+ones], 1), f[2*n+ones:]}
}
