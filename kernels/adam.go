package kernels

// Adam is one step of Adam (Kingma and Ba, arXiv 1412.6980), or with Decoupled of AdamW (Loshchilov
// and Hutter, arXiv 1711.05101), contract.md section 9.3.
//
//	p[N] (in place), g[N], m[N] (in place), v[N] (in place),
//	scalars[9] = {lr, b1, omb1, b2, omb2, ibc1, ibc2, eps, wd}
//
// omb is 1-b, ibc is 1/(1-b^t), both computed as section 9.4 says.
type Adam struct {
	N         int
	Decoupled bool
}

func (o Adam) Name() string { return "adam" }
func (o Adam) Operands() []Operand {
	return []Operand{
		{"p", F32, o.N, InOut}, {"g", F32, o.N, In}, {"m", F32, o.N, InOut}, {"v", F32, o.N, InOut},
		{"scalars", F32, 9, In},
	}
}
func (o Adam) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Adam) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	loop := w.vec.adam
	if o.Decoupled {
		loop = w.vec.adamW
	}
	loop(b[0].F[lo:hi], b[1].F[lo:hi], b[2].F[lo:hi], b[3].F[lo:hi], (*[9]float32)(b[4].F))
}

func adamLoop(p, g, m, v []float32, s *[9]float32) {
	lr, b1, omb1, b2, omb2, ibc1, ibc2, eps, wd := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i, x := range p {
		d := mad(wd, x, g[i])
		m[i] = mad(b1, m[i], float32(omb1*d))
		v[i] = mad(b2, v[i], float32(omb2*float32(d*d)))
		u := float32(m[i]*ibc1) / (sqrt(float32(v[i]*ibc2)) + eps)
		p[i] = x - float32(lr*u)
	}
}

func adamWLoop(p, g, m, v []float32, s *[9]float32) {
	lr, b1, omb1, b2, omb2, ibc1, ibc2, eps, wd := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i, x := range p {
		d := g[i]
		m[i] = mad(b1, m[i], float32(omb1*d))
		v[i] = mad(b2, v[i], float32(omb2*float32(d*d)))
		u := float32(m[i]*ibc1) / (sqrt(float32(v[i]*ibc2)) + eps)
		p[i] = x - float32(lr*(u+float32(wd*x)))
	}
}
