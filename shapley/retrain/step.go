package retrain

import (
	"context"

	"github.com/verifyd/verifyd/kernels"
)

// record prepares the routines of a batch of t.models, once.
func (t *trainer) record(ctx context.Context) (r training, err error) {
	r, ok := t.routines[t.models]
	if ok {
		return r, nil
	}
	if r.step, err = t.memory.Record(ctx, t.step()); err != nil {
		return r, err
	}
	if r.predict, err = t.memory.Record(ctx, t.outputsOf(t.judged, t.outputs, t.val)); err != nil {
		return r, err
	}
	if r.own, err = t.memory.Record(ctx, t.outputsOf(t.x, t.logits, t.rows)); err != nil {
		return r, err
	}
	t.routines[t.models] = r
	return r, nil
}

// part is the first words of a range: those of a smaller batch.
func part(r kernels.Range, words int) kernels.Range {
	return kernels.Range{Offset: r.Offset, Words: words}
}

// step lists a step of train. kernels.SGD takes a multiple of one tensor from another, with one rounding each: with -1
// times a rate, it adds it.
func (t *trainer) step() []kernels.Call {
	n := t.columns * t.models
	size := t.width * n
	w, ahead, moved, grad := part(t.w, size), part(t.ahead, size), part(t.moved, size), part(t.grad, size)
	logits := part(t.logits, t.rows*n)
	call := func(op kernels.Operator, operands ...kernels.Range) kernels.Call {
		return kernels.Call{Op: op, Operands: operands}
	}
	minus := func(from, of, rate kernels.Range) kernels.Call {
		return call(kernels.SGD{N: size}, from, of, kernels.Range{Offset: from.Offset}, rate)
	}
	all := []kernels.Call{call(kernels.Gemm{M: t.rows, N: n, K: t.width, Profile: kernels.ProfileF32}, t.x, ahead, logits)}
	all = append(all, t.residuals(logits)...)
	return append(all,
		call(kernels.Gemm{M: t.width, N: n, K: t.rows, TransA: true, Profile: kernels.ProfileF32}, t.x, logits, grad),
		minus(grad, ahead, t.decay),
		call(kernels.Gemm{M: t.width, N: n, K: t.width, Profile: kernels.ProfileF32}, t.bound, grad, moved),
		minus(ahead, moved, t.one), // the next parameters
		call(kernels.Copy{N: size}, ahead, moved),
		minus(moved, w, t.one), // the way to them
		call(kernels.Copy{N: size}, ahead, w),
		minus(ahead, moved, t.rate))
}

// residuals turn logits into weighted residuals.
func (t *trainer) residuals(logits kernels.Range) []kernels.Call {
	weights := part(t.weights, t.rows*t.models)
	if t.linear {
		return []kernels.Call{
			{Op: kernels.BiasAdd{N: 1, C: t.rows, P: t.models}, Operands: []kernels.Range{logits, t.labels, logits}},
			{Op: kernels.Mul{N: t.rows * t.models}, Operands: []kernels.Range{logits, weights, logits}},
		}
	}
	op := kernels.LogisticResidual{Rows: t.rows, Columns: t.columns, Models: t.models}
	return []kernels.Call{{Op: op, Operands: []kernels.Range{logits, weights, t.labels, logits}}}
}

// outputsOf lists what computes the outputs of the batch for rows.
func (t *trainer) outputsOf(x, to kernels.Range, rows int) []kernels.Call {
	n := t.columns * t.models
	op := kernels.Gemm{M: rows, N: n, K: t.width, Profile: kernels.ProfileF32}
	return []kernels.Call{{Op: op, Operands: []kernels.Range{x, part(t.w, t.width*n), part(to, rows*n)}}}
}
