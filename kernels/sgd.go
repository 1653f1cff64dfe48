package kernels

// SGD is one step of stochastic gradient descent in PyTorch's form, contract.md section 9.2.
// Without momentum there is no buf, and its operand has no elements.
//
//	p[N] (in place), g[N], buf[N] (in place), scalars[2] = {lr, omd}
//
// omd is 1 - dampening, and 1 in the first step.
type SGD struct {
	N                     int
	Momentum, WeightDecay float32
	Nesterov              bool
}

func (o SGD) Name() string { return "sgd" }
func (o SGD) Operands() []Operand {
	n := o.N
	if o.Momentum == 0 {
		n = 0
	}
	return []Operand{
		{"p", F32, o.N, InOut}, {"g", F32, o.N, In}, {"buf", F32, n, InOut}, {"scalars", F32, 2, In},
	}
}
func (o SGD) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o SGD) piece(w *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	p, g, lr, omd := b[0].F[lo:hi], b[1].F[lo:hi], b[3].F[0], b[3].F[1]
	if o.Momentum == 0 {
		w.vec.sgd(p, g, lr, o.WeightDecay)
		return
	}
	w.vec.sgdMomentum(p, g, b[2].F[lo:hi], lr, omd, o.Momentum, o.WeightDecay, o.Nesterov)
}

func sgdLoop(p, g []float32, lr, wd float32) {
	g = g[:len(p)]
	for i, x := range p {
		d := g[i]
		if wd != 0 {
			d = mad(wd, x, d)
		}
		p[i] = x - float32(lr*d)
	}
}

func sgdMomentumLoop(p, g, buf []float32, lr, omd, mu, wd float32, nesterov bool) {
	g, buf = g[:len(p)], buf[:len(p)]
	for i, x := range p {
		d := g[i]
		if wd != 0 {
			d = mad(wd, x, d)
		}
		m := mad(mu, buf[i], float32(omd*d))
		buf[i] = m
		if nesterov {
			m = mad(mu, m, d)
		}
		p[i] = x - float32(lr*m)
	}
}
