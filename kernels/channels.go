package kernels

// channels are N images of C channels of P numbers. Channel c is a vector too: its element k = n*P + p is number p
// of channel c in image n.
type channels struct{ n, c, p int }

// len is the length of one channel as a vector.
func (s channels) len() int { return s.n * s.p }

// perPiece is how many channels a piece treats: those whose numbers share the lines of the cache.
func (s channels) perPiece() int { return max(1, 16/max(1, s.p)) }

func (s channels) pieces() int { return (s.c + s.perPiece() - 1) / s.perPiece() }

// pieceRange is the half-open range of channels in piece i.
func (s channels) pieceRange(i int) (lo, hi int) {
	return i * s.perPiece(), min((i+1)*s.perPiece(), s.c)
}

// gather copies channel c of x to dst.
func (s channels) gather(dst, x []float32, c int) {
	if s.p == 1 {
		for n := range dst {
			dst[n] = x[n*s.c+c]
		}
		return
	}
	for n := range s.n {
		copy(dst[n*s.p:][:s.p], x[(n*s.c+c)*s.p:])
	}
}

// scatter copies src to channel c of y.
func (s channels) scatter(y, src []float32, c int) {
	if s.p == 1 {
		for n, v := range src {
			y[n*s.c+c] = v
		}
		return
	}
	for n := range s.n {
		copy(y[(n*s.c+c)*s.p:][:s.p], src[n*s.p:][:s.p])
	}
}

// strip is how many elements the loops of normalisations treat with one gamma and beta.
const strip = 1024

// filled sets all of x to v and returns it.
func filled(x []float32, v float32) []float32 {
	for i := range x {
		x[i] = v
	}
	return x
}

// normalise is x[i] = ((x[i]-mu)*rs)*gamma + beta. room has 2*strip elements.
func (v *vector) normalise(x, room []float32, gamma, beta, mu, rs float32) {
	n := min(strip, len(x))
	g, b := filled(room[:n], gamma), filled(room[strip:strip+n], beta)
	for lo := 0; lo < len(x); lo += strip {
		part := x[lo:min(lo+strip, len(x))]
		v.layerNorm(part, part, g[:len(part)], b[:len(part)], mu, rs)
	}
}

// channelSums are R128* of dy[i] and of dy[i]*h[i], where h[i] = (x[i]-mu)*rs. ones has as many elements as a block
// of x, all 1.
func (v *vector) channelSums(dy, x, ones []float32, mu, rs float32) (s1, s2 float32) {
	if len(x) <= r128Block {
		return v.normGradSums(dy, ones, x, mu, rs)
	}
	var f1, f2 blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		p1, p2 := v.normGradSums(dy[lo:hi], ones[:hi-lo], x[lo:hi], mu, rs)
		f1.add(p1)
		f2.add(p2)
	}
	return f1.sum(), f2.sum()
}
