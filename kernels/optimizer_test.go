package kernels

import (
	"math"
	"testing"
)

func TestSGDTakesPyTorchSteps(t *testing.T) {
	// p and buf after two steps with lr 0.1 and dampening 0; figures exact in binary.
	for _, c := range []struct {
		name   string
		op     SGD
		p, buf float32
	}{
		{"plain", SGD{N: 1}, 2 - 0.5*1 - 0.5*1, 0},
		{"decay", SGD{N: 1, WeightDecay: 0.5}, 2 - 0.5*2 - 0.5*1.5, 0},
		{"momentum", SGD{N: 1, Momentum: 0.5}, 2 - 0.5*1 - 0.5*1.5, 1.5},
		{"nesterov", SGD{N: 1, Momentum: 0.5, Nesterov: true}, 2 - 0.5*1.5 - 0.5*1.75, 1.5},
	} {
		p, g, buf := floats(2), floats(1), zeros(1)
		if c.op.Momentum == 0 {
			buf = Buf{}
		}
		for range 2 {
			run(t, c.op, p, g, buf, floats(0.5, 1))
		}
		if p.F[0] != c.p {
			t.Errorf("%s: p = %v, want %v", c.name, p.F[0], c.p)
		}
		if c.op.Momentum != 0 && buf.F[0] != c.buf {
			t.Errorf("%s: buf = %v, want %v", c.name, buf.F[0], c.buf)
		}
	}
}

func TestAdamAgreesWithBinary64(t *testing.T) {
	const n, steps = 1000, 3
	const lr, b1, b2, eps, wd = 0.01, 0.9, 0.999, 1e-8, 0.1
	for _, decoupled := range []bool{false, true} {
		p, m, v := floats(fill(n, 16)...), zeros(n), zeros(n)
		want, m64, v64 := make([]float64, n), make([]float64, n), make([]float64, n)
		for i, x := range p.F {
			want[i] = float64(x)
		}
		for step := 1; step <= steps; step++ {
			g := fill(n, uint64(16+step))
			c1, c2 := 1/(1-math.Pow(b1, float64(step))), 1/(1-math.Pow(b2, float64(step)))
			run(t, Adam{n, decoupled}, p, floats(g...), m, v,
				floats(lr, b1, 1-b1, b2, 1-b2, float32(c1), float32(c2), eps, wd))
			for i := range want {
				d := float64(g[i])
				if !decoupled {
					d += wd * want[i]
				}
				m64[i] = b1*m64[i] + (1-b1)*d
				v64[i] = b2*v64[i] + (1-b2)*d*d
				u := m64[i] * c1 / (math.Sqrt(v64[i]*c2) + eps)
				if decoupled {
					u += wd * want[i]
				}
				want[i] -= lr * u
			}
		}
		near(t, "p", p.F, want, 1e-6)
	}
}

func TestGradNormClipsOnlyLongGradients(t *testing.T) {
	for _, c := range []struct {
		sums       []float32
		maxNorm    float32
		norm, coef float32
	}{
		{[]float32{9, 16}, 10, 5, 1},
		{[]float32{9, 16}, 0, 5, 1},
		{[]float32{9, 16}, 2.5, 5, float32(2.5) / (5 + 0x1.0c6f7ap-20)},
		{[]float32{9, float32(math.Inf(1))}, 1, float32(math.Inf(1)), 0},
		{[]float32{9, nan()}, 1, nan(), nan()},
	} {
		norm, coef := zeros(1), zeros(1)
		run(t, GradNorm{len(c.sums), c.maxNorm}, floats(c.sums...), norm, coef)
		same(t, "norm and coef", []float32{norm.F[0], coef.F[0]}, []float32{c.norm, c.coef})
	}
}
