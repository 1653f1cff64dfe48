package retrain

import (
	"context"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// trainer trains batches of models on the same rows. Everything of a model is a column: weights are
// width x columns x models.
type trainer struct {
	cpu             *kernels.CPU
	rows, width     int
	columns, models int // of a batch
	most            int // models of a batch
	steps           int
	decay           float32
	x               []float32 // rows x width
	labels          []int32   // nil for linear models
	targets         []float32
	bound           []float32 // width x width: inverse of the bound of the Hessian

	weights         []float32 // rows x models: how often a model has each row
	w, ahead, moved []float32 // width x columns*models: parameters, the point ahead of them, and the step
	grad            []float32
	logits          []float32 // rows x columns*models, residuals after them
}

// The largest second derivatives of the losses by a logit.
const (
	squareCurve  = 1
	sigmoidCurve = 0.25
	softmaxCurve = 0.5 // of each column apart
)

// newTrainer lays out the memory of batches of so many models.
func newTrainer(cpu *kernels.CPU, x []float32, rows, width, columns, models int, curve float64, o Options) (*trainer, error) {
	t := &trainer{cpu: cpu, rows: rows, width: width, columns: columns, models: models, steps: o.Steps, decay: float32(o.Decay), x: x}
	n := width * columns * models
	t.weights = make([]float32, rows*models)
	t.w, t.ahead, t.moved, t.grad = make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	t.logits = make([]float32, rows*columns*models)
	t.most = models
	return t, t.setBound(curve, o.Decay)
}

// begin makes room for a batch of so many models, at most t.most. A model does not depend on the others of its batch
// or on their number.
func (t *trainer) begin(models int) {
	t.models = models
	n := t.width * t.columns * models
	t.weights, t.logits = t.weights[:t.rows*models], t.logits[:t.rows*t.columns*models]
	t.w, t.ahead, t.moved, t.grad = t.w[:n], t.ahead[:n], t.moved[:n], t.grad[:n]
	clear(t.weights)
}

// setBound inverts curve * X'X + decay * I in binary64 by Cholesky's factors and rounds it once. X'X is
// kernels.Gemm's. Any positive definite matrix would do for the bits; this one makes steps that never overshoot.
func (t *trainer) setBound(curve, decay float64) error {
	d := t.width
	gram := make([]float32, d*d)
	if err := t.cpu.Run(kernels.Gemm{M: d, N: d, K: t.rows, TransA: true, Profile: kernels.ProfileF32}, []kernels.Buf{{F: t.x}, {F: t.x}, {F: gram}}); err != nil {
		return err
	}
	l := make([]float64, d*d)
	for i := range d {
		for j := range i + 1 {
			s := curve * float64(gram[i*d+j])
			if i == j {
				s += decay
			}
			for k := range j {
				s -= float64(l[i*d+k] * l[j*d+k])
			}
			if i == j {
				if !(s > 0) {
					return fmt.Errorf("decay: %v is too small for features that depend on each other", decay)
				}
				l[i*d+i] = math.Sqrt(s)
			} else {
				l[i*d+j] = s / l[j*d+j]
			}
		}
	}
	t.bound = make([]float32, d*d)
	col := make([]float64, d)
	for c := range d {
		clear(col)
		col[c] = 1
		for i := c; i < d; i++ {
			for k := c; k < i; k++ {
				col[i] -= float64(l[i*d+k] * col[k])
			}
			col[i] /= l[i*d+i]
		}
		for i := d - 1; i >= 0; i-- {
			for k := i + 1; k < d; k++ {
				col[i] -= float64(l[k*d+i] * col[k])
			}
			col[i] /= l[i*d+i]
		}
		for i := range d {
			t.bound[i*d+c] = float32(col[i])
		}
	}
	return nil
}

// train trains the batch whose weights are set, from zero. Step k goes from the point ahead by the bound's
// inverse times the gradient there, and the next point ahead lies k/(k+3) of the way further on (Nesterov
// 1983).
func (t *trainer) train(ctx context.Context) error {
	clear(t.w)
	clear(t.ahead)
	n := t.columns * t.models
	forward := kernels.Gemm{M: t.rows, N: n, K: t.width, Profile: kernels.ProfileF32}
	backward := kernels.Gemm{M: t.width, N: n, K: t.rows, TransA: true, Profile: kernels.ProfileF32}
	newton := kernels.Gemm{M: t.width, N: n, K: t.width, Profile: kernels.ProfileF32}
	for k := range t.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.cpu.Run(forward, []kernels.Buf{{F: t.x}, {F: t.ahead}, {F: t.logits}}); err != nil {
			return err
		}
		if err := t.residual(); err != nil {
			return err
		}
		if err := t.cpu.Run(backward, []kernels.Buf{{F: t.x}, {F: t.logits}, {F: t.grad}}); err != nil {
			return err
		}
		for i, v := range t.ahead {
			t.grad[i] += float32(t.decay * v)
		}
		if err := t.cpu.Run(newton, []kernels.Buf{{F: t.bound}, {F: t.grad}, {F: t.moved}}); err != nil {
			return err
		}
		on := float32(float64(k) / float64(k+3))
		for i, m := range t.moved {
			next := t.ahead[i] - m
			t.ahead[i] = next + float32(on*(next-t.w[i]))
			t.w[i] = next
		}
	}
	return nil
}

// residual turns logits into weighted residuals.
func (t *trainer) residual() error {
	if t.labels != nil {
		op := kernels.LogisticResidual{Rows: t.rows, Columns: t.columns, Models: t.models}
		return t.cpu.Run(op, []kernels.Buf{{F: t.logits}, {F: t.weights}, {I: t.labels}, {F: t.logits}})
	}
	for r, y := range t.targets {
		z := t.logits[r*t.models : (r+1)*t.models]
		for m, w := range t.weights[r*t.models : (r+1)*t.models] {
			z[m] = (z[m] - y) * w
		}
	}
	return nil
}

// predict is the outputs of the batch for rows: len(x)/width x columns x models.
func (t *trainer) predict(x, out []float32) error {
	rows, n := len(x)/t.width, t.columns*t.models
	return t.cpu.Run(kernels.Gemm{M: rows, N: n, K: t.width, Profile: kernels.ProfileF32}, []kernels.Buf{{F: x}, {F: t.w}, {F: out[:rows*n]}})
}

// class is what model m says of a row of outputs: the first largest, or whether the only one is above 0.
func (t *trainer) class(row []float32, m int) int32 {
	if t.columns == 1 {
		if row[m] > 0 {
			return 1
		}
		return 0
	}
	best := int32(0)
	for c := 1; c < t.columns; c++ {
		if row[c*t.models+m] > row[int(best)*t.models+m] {
			best = int32(c)
		}
	}
	return best
}
