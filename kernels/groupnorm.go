package kernels

import "fmt"

// GroupNorm normalises each group of channels of an image to mean 0 and variance 1, then applies the gamma and beta of
// each channel (Wu and He, arXiv 1803.08494). Groups divides C; with a group for each channel it is instance
// normalisation. contract.md section 15.3.
//
//	x[N,C,P], gamma[C], beta[C] -> y[N,C,P], mean[N,Groups], rstd[N,Groups]
type GroupNorm struct {
	N, C, P, Groups int
	Eps             float32
}

func (o GroupNorm) Name() string { return "group_norm" }
func (o GroupNorm) Operands() []Operand {
	n := o.N * o.C * o.P
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"beta", F32, o.C, In},
		{"y", F32, n, Out}, {"mean", F32, o.N * o.Groups, Out}, {"rstd", F32, o.N * o.Groups, Out},
	}
}

// row is the length of one group, which lies in one piece.
func (o GroupNorm) row() int { return o.C / o.Groups * o.P }

func (o GroupNorm) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.N*o.Groups, o.row()))
}
func (o GroupNorm) piece(w *worker, _, i int, b []Buf) {
	n, inv := o.row(), inverse(o.row())
	lo, hi := rowRange(i, o.N*o.Groups, n)
	for r := lo; r < hi; r++ {
		x, y := b[0].F[r*n:(r+1)*n], b[3].F[r*n:(r+1)*n]
		mu := float32(w.vec.rowSum(x) * inv)
		rs := rsqrt(float32(w.vec.rowSumDeviations(x, mu)*inv) + o.Eps)
		copy(y, x)
		room := w.floats(2 * strip)
		first := r % o.Groups * (o.C / o.Groups)
		for k := range o.C / o.Groups {
			w.vec.normalise(y[k*o.P:(k+1)*o.P], room, b[1].F[first+k], b[2].F[first+k], mu, rs)
		}
		b[4].F[r], b[5].F[r] = mu, rs
	}
}

// GroupNormGrad is the gradient of GroupNorm, contract.md section 15.3.
//
//	x[N,C,P], gamma[C], mean[N,Groups], rstd[N,Groups], dy[N,C,P] -> dx[N,C,P], dgamma[C], dbeta[C]
type GroupNormGrad struct{ N, C, P, Groups int }

func (o GroupNormGrad) Name() string { return "group_norm_grad" }
func (o GroupNormGrad) Operands() []Operand {
	n, groups := o.N*o.C*o.P, o.N*o.Groups
	return []Operand{
		{"x", F32, n, In}, {"gamma", F32, o.C, In}, {"mean", F32, groups, In}, {"rstd", F32, groups, In}, {"dy", F32, n, In},
		{"dx", F32, n, Out}, {"dgamma", F32, o.C, Out}, {"dbeta", F32, o.C, Out},
	}
}

func (o GroupNormGrad) channels() channels { return channels{o.N, o.C, o.P} }

// pieces are first groups of dx, then channels of dgamma and dbeta.
func (o GroupNormGrad) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.N*o.Groups, o.C/o.Groups*o.P)+o.channels().pieces())
}

func (o GroupNormGrad) piece(w *worker, _, i int, b []Buf) {
	x, gamma, mean, rstd, dy := b[0].F, b[1].F, b[2].F, b[3].F, b[4].F
	per := o.C / o.Groups // channels of a group
	n := per * o.P
	if rows := rowPieces(o.N*o.Groups, n); i >= rows {
		lo, hi := o.channels().pieceRange(i - rows)
		for c := lo; c < hi; c++ {
			b[6].F[c], b[7].F[c] = o.params(w, c, x, mean, rstd, dy)
		}
		return
	}
	lo, hi := rowRange(i, o.N*o.Groups, n)
	for r := lo; r < hi; r++ {
		g := w.floats(n) // gamma of each element
		for k := range per {
			filled(g[k*o.P:(k+1)*o.P], gamma[r%o.Groups*per+k])
		}
		at, end := r*n, (r+1)*n
		normGradRow(w.vec, b[5].F[at:end], dy[at:end], g, x[at:end], mean[r], rstd[r], true)
	}
}

// params are dgamma and dbeta of channel c.
func (o GroupNormGrad) params(w *worker, c int, x, mean, rstd, dy []float32) (dgamma, dbeta float32) {
	s := o.channels()
	f := w.floats(2 * s.len())
	terms, plain := f[:s.len()], f[s.len():]
	clear(f)
	for n := range o.N {
		r := n*o.Groups + c/(o.C/o.Groups)
		at, to := (n*o.C+c)*o.P, n*o.P
		// Added to +0, a term may lose the sign of its zero, which no sum sees.
		w.vec.normParams(terms[to:to+o.P], plain[to:to+o.P], x[at:at+o.P], dy[at:at+o.P], mean[r], rstd[r])
	}
	return w.vec.rowSum(terms), w.vec.rowSum(plain)
}

// check refuses groups that do not divide the channels.
func (o GroupNorm) check() error     { return checkGroups(o.Name(), o.Groups, o.C) }
func (o GroupNormGrad) check() error { return checkGroups(o.Name(), o.Groups, o.C) }

func checkGroups(name string, groups, channels int) error {
	if groups < 1 || channels%groups != 0 {
		return fmt.Errorf("%s: %d groups do not divide %d channels", name, groups, channels)
	}
	return nil
}
