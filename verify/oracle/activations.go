package oracle

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/verifyd/verifyd/verify/program"
)

var activations = []rule{
	each[program.ReLU]((*tape).relu),
	each[program.GELU]((*tape).gelu),
	each[program.GELUTanh]((*tape).geluTanh),
	each[program.SiLU]((*tape).silu),
	each[program.Tanh]((*tape).tanh),
	each[program.Sigmoid]((*tape).sigmoid),
	of(func(w *walk, s site, _ program.ReLU6) *gorgonia.Node { return w.clamp(s.in[0], 0, 6) }),
	of(func(w *walk, s site, op program.HardTanh) *gorgonia.Node { return w.clamp(s.in[0], op.Min, op.Max) }),
	of(func(w *walk, s site, op program.Clamp) *gorgonia.Node { return w.clamp(s.in[0], op.Min, op.Max) }),
	each[program.HardSigmoid]((*tape).hardSigmoid),
	of(func(w *walk, s site, _ program.HardSwish) *gorgonia.Node {
		return w.times(s.in[0], w.hardSigmoid(s.in[0]))
	}),
	of(func(w *walk, s site, op program.LeakyReLU) *gorgonia.Node {
		return w.sub(w.relu(s.in[0]), w.scale(w.relu(w.scale(s.in[0], -1)), op.Slope))
	}),
	of(func(w *walk, s site, op program.ELU) *gorgonia.Node {
		e := w.apply1(gorgonia.Exp, w.scale(w.relu(w.scale(s.in[0], -1)), -1))
		return w.add(w.relu(s.in[0]), w.scale(w.shift(e, -1), op.Alpha))
	}),
	each[program.Softplus](func(t *tape, x *gorgonia.Node) *gorgonia.Node {
		return t.apply1(gorgonia.Log, t.shift(t.apply1(gorgonia.Exp, x), 1))
	}),
	of(func(w *walk, s site, _ program.Softmax) *gorgonia.Node { return w.softmax(s.in[0], s.cols) }),
}

// relu is max(x, 0), its derivative at 0 being 0.
func (t *tape) relu(x *gorgonia.Node) *gorgonia.Node { return t.apply1(gorgonia.Rectify, x) }

func (t *tape) tanh(x *gorgonia.Node) *gorgonia.Node { return t.apply1(gorgonia.Tanh, x) }

func (t *tape) sigmoid(x *gorgonia.Node) *gorgonia.Node { return t.apply1(gorgonia.Sigmoid, x) }

// silu is x sigmoid(x).
func (t *tape) silu(x *gorgonia.Node) *gorgonia.Node { return t.times(x, t.sigmoid(x)) }

// gelu is x Phi(x) = x/2 (1 + erf(x/sqrt(2))) (Hendrycks and Gimpel 2016, arXiv:1606.08415).
func (t *tape) gelu(x *gorgonia.Node) *gorgonia.Node {
	e := t.erf(t.scale(x, 1/math.Sqrt2))
	return t.scale(t.times(x, t.shift(e, 1)), 0.5)
}

// geluTanh is x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the same paper's approximation.
func (t *tape) geluTanh(x *gorgonia.Node) *gorgonia.Node {
	cube := t.times(x, t.times(x, x))
	inner := t.scale(t.add(x, t.scale(cube, 0.044715)), math.Sqrt(2/math.Pi))
	return t.scale(t.times(x, t.shift(t.tanh(inner), 1)), 0.5)
}

// clamp is x between bounds, its derivative at low being 0 and at high 1.
func (t *tape) clamp(x *gorgonia.Node, low, high float64) *gorgonia.Node {
	return t.shift(t.sub(t.relu(t.shift(x, -low)), t.relu(t.shift(x, -high))), low)
}

// hardSigmoid is x + 3 between 0 and 6, over 6 (Howard et al. 2019, arXiv:1905.02244).
func (t *tape) hardSigmoid(x *gorgonia.Node) *gorgonia.Node {
	return t.scale(t.clamp(t.shift(x, 3), 0, 6), 1.0/6)
}

// softmax of each row. No maximum is taken off: in float64 exp has room up to 709.
func (t *tape) softmax(x *gorgonia.Node, cols int) *gorgonia.Node {
	e := t.apply1(gorgonia.Exp, x)
	return t.over(e, t.rowSums(e, cols))
}
