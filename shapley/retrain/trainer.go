package retrain

import (
	"context"
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// trainer trains batches of models on the same rows, in a device's memory. Everything of a model is a column: its
// parameters are width x columns x models.
type trainer struct {
	memory          engine.Memory
	rows, val       int // to learn from, and to be judged by
	width           int
	columns, models int // of a batch
	most            int // models of a batch
	steps           int
	linear          bool
	routines        map[int]training // by models

	x, judged kernels.Range // rows x width
	labels    kernels.Range // of linear models the targets, negated
	bound     kernels.Range // width x width: inverse of the bound of the Hessian
	weights   kernels.Range // rows x models: how often a model has each row
	w, ahead  kernels.Range // width x columns*models: parameters, and the point ahead of them
	moved     kernels.Range // the step
	grad      kernels.Range
	logits    kernels.Range // rows x columns*models, residuals after them
	outputs   kernels.Range // val x columns*models
	rate      kernels.Range // scalars of kernels.SGD, two words each: how far the next point lies ahead,
	one       kernels.Range // 1,
	decay     kernels.Range // and the decay, negated

	drawn []float32 // of weights
	zero  []float32
	read  []float32
}

// training is what a batch of some size runs.
type training struct{ step, predict, own int }

// The largest second derivatives of the losses by a logit.
const (
	squareCurve  = 1
	sigmoidCurve = 0.25
	softmaxCurve = 0.5 // of each column apart
)

// newTrainer lays out the memory of batches of so many models, with the standardised rows of d in it.
func newTrainer(ctx context.Context, d *Data, columns, models int, curve float64, o Options) (*trainer, error) {
	t := &trainer{
		rows: d.rows, val: d.val, width: d.Width + 1, columns: columns, most: models, steps: o.Steps, linear: d.Targets != nil,
		routines: map[int]training{},
	}
	n := t.width * columns * models
	var l engine.Layout
	t.x, t.judged, t.labels = l.Take(t.rows*t.width), l.Take(t.val*t.width), l.Take(t.rows)
	t.bound, t.weights = l.Take(t.width*t.width), l.Take(t.rows*models)
	t.w, t.ahead, t.moved, t.grad = l.Take(n), l.Take(n), l.Take(n), l.Take(n)
	t.logits, t.outputs = l.Take(t.rows*columns*models), l.Take(t.val*columns*models)
	t.rate, t.one, t.decay = l.Take(2), l.Take(2), l.Take(2)
	t.drawn, t.zero = make([]float32, t.weights.Words), make([]float32, n)
	var err error
	if t.memory, err = o.Device.Open(ctx, l.Words()); err != nil {
		return nil, err
	}
	if err := t.begin(ctx, d, curve, o.Decay); err != nil {
		return nil, errors.Join(err, t.memory.Close(context.WithoutCancel(ctx)))
	}
	return t, nil
}

// begin writes what no batch changes.
func (t *trainer) begin(ctx context.Context, d *Data, curve, decay float64) error {
	labels := engine.Words(d.Labels)
	if t.linear {
		minus := make([]float32, len(d.Targets))
		for i, y := range d.Targets {
			minus[i] = -y
		}
		labels = engine.Words(minus)
	}
	for _, part := range []struct {
		at    kernels.Range
		words []uint32
	}{
		{t.x, engine.Words(d.standard(d.Train))}, {t.judged, engine.Words(d.standard(d.Validation))}, {t.labels, labels},
		{t.one, engine.Words([]float32{1, 1})}, {t.decay, engine.Words([]float32{-float32(decay), 1})},
	} {
		if err := t.memory.Write(ctx, part.at.Offset, part.words); err != nil {
			return err
		}
	}
	gram, err := t.memory.Record(ctx, []kernels.Call{{
		Op: kernels.Gemm{M: t.width, N: t.width, K: t.rows, TransA: true, Profile: kernels.ProfileF32}, Operands: []kernels.Range{t.x, t.x, t.bound},
	}})
	if err != nil {
		return err
	}
	if err := t.memory.Run(ctx, gram); err != nil {
		return err
	}
	product := make([]float32, t.bound.Words)
	if err := t.memory.Read(ctx, engine.Words(product), t.bound.Offset); err != nil {
		return err
	}
	bound, err := inverse(product, t.width, curve, decay)
	if err != nil {
		return err
	}
	return t.memory.Write(ctx, t.bound.Offset, engine.Words(bound))
}

// batch is the weights of a batch of so many models, at most t.most, all 0: rows x models. A model does not depend on the
// others of its batch or on their number.
func (t *trainer) batch(models int) []float32 {
	t.models = models
	weights := t.drawn[:t.rows*models]
	clear(weights)
	return weights
}

// train trains the batch whose weights are set, from zero. Step k goes from the point ahead by the bound's
// inverse times the gradient there, and the next point ahead lies k/(k+3) of the way further on (Nesterov
// 1983).
func (t *trainer) train(ctx context.Context) error {
	r, err := t.record(ctx)
	if err != nil {
		return err
	}
	n := t.width * t.columns * t.models
	if err := t.memory.Write(ctx, t.weights.Offset, engine.Words(t.drawn[:t.rows*t.models])); err != nil {
		return err
	}
	for _, at := range []kernels.Range{t.w, t.ahead} {
		if err := t.memory.Write(ctx, at.Offset, engine.Words(t.zero[:n])); err != nil {
			return err
		}
	}
	for k := range t.steps {
		on := float32(float64(k) / float64(k+3))
		if err := t.memory.Write(ctx, t.rate.Offset, engine.Words([]float32{-on, 1})); err != nil {
			return err
		}
		if err := t.memory.Run(ctx, r.step); err != nil {
			return err
		}
	}
	return nil
}

// predict is the outputs of the batch for the rows to be judged by, or for its own: rows x columns x models, valid
// until the next call.
func (t *trainer) predict(ctx context.Context, own bool) ([]float32, error) {
	r, err := t.record(ctx)
	if err != nil {
		return nil, err
	}
	routine, from, rows := r.predict, t.outputs, t.val
	if own {
		routine, from, rows = r.own, t.logits, t.rows
	}
	if err := t.memory.Run(ctx, routine); err != nil {
		return nil, err
	}
	n := rows * t.columns * t.models
	if len(t.read) < n {
		t.read = make([]float32, from.Words)
	}
	return t.read[:n], t.memory.Read(ctx, engine.Words(t.read[:n]), from.Offset)
}

// among is how many classes model m holds for the likeliest of a row, by its outputs, if class y is one of them; 0 if it is
// not. The model of zeros holds all of them so.
func (t *trainer) among(row []float32, m int, y int32) int {
	if t.columns == 1 {
		switch z := row[m]; {
		case z == 0:
			return 2
		case z > 0 == (y == 1):
			return 1
		}
		return 0
	}
	own, same := row[int(y)*t.models+m], 0
	for c := range t.columns {
		switch z := row[c*t.models+m]; {
		case z > own:
			return 0
		case z == own:
			same++
		}
	}
	return same
}
