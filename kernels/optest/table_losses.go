package optest

import "github.com/verifyd/verifyd/kernels"

// losses are the losses and the operators indexed by tokens.
func losses() []entry {
	cross := byMatrix(func(r, c int) kernels.Operator { return kernels.CrossEntropy{Rows: r, Classes: c} }, [2]int{1, 66000}, [2]int{66000, 2})
	cross.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return fillIndices("labels", op.(kernels.CrossEntropy).Classes, o, c, r, b)
	}
	grad := byMatrix(func(r, c int) kernels.Operator { return kernels.CrossEntropyGrad{Rows: r, Classes: c, Scale: 0x1.5p-4} }, [2]int{1, 66000})
	grad.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return fillIndices("labels", op.(kernels.CrossEntropyGrad).Classes, o, c, r, b)
	}
	grad.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.CrossEntropyGrad)
		each, loss := kernels.Buf{F: make([]float32, o.Rows)}, kernels.Buf{F: make([]float32, 1)}
		return whenNormal(c, ref, kernels.CrossEntropy{Rows: o.Rows, Classes: o.Classes},
			bufs[0], bufs[1], each, loss, bufs[2], bufs[3])
	}
	mse := byLength(func(n int) kernels.Operator { return kernels.MSE{N: n} })
	mse.shapes = append(mse.shapes, kernels.MSE{N: 66000})
	bce := byLength(func(n int) kernels.Operator { return kernels.BCE{N: n} })
	bce.shapes = append(bce.shapes, kernels.BCE{N: 66000})
	return append(embeddings(), cross, grad, mse, bce, masked(), maskedGrad())
}

// masked has rows that do not count, and labels that are smoothed and that are not.
func masked() entry {
	of := func(r, c int) kernels.Operator {
		return kernels.MaskedCrossEntropy{Rows: r, Classes: c, Ignore: ignored(c), Smoothing: 0x1.8p-4 * float32(c%2)}
	}
	e := byMatrix(of, [2]int{1, 66001}, [2]int{66000, 2}, [2]int{66000, 3})
	e.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		m := op.(kernels.MaskedCrossEntropy)
		return fillMasked(m.Classes, m.Ignore, o, c, r, b)
	}
	return e
}

// ignored is a class that does not count, or none.
func ignored(classes int) int { return []int{classes, classes - 1, 0}[classes%3] }

func maskedGrad() entry {
	of := func(r, c int) kernels.Operator {
		return kernels.MaskedCrossEntropyGrad{Rows: r, Classes: c, Ignore: ignored(c), Smoothing: 0x1.8p-4 * float32(c%2), Scale: 0x1.5p-4}
	}
	e := byMatrix(of, [2]int{1, 66001})
	e.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		m := op.(kernels.MaskedCrossEntropyGrad)
		return fillMasked(m.Classes, m.Ignore, o, c, r, b)
	}
	e.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.MaskedCrossEntropyGrad)
		losses, counted, loss := kernels.Buf{F: make([]float32, o.Rows)}, kernels.Buf{F: make([]float32, o.Rows)}, kernels.Buf{F: make([]float32, 1)}
		return whenNormal(c, ref, kernels.MaskedCrossEntropy{Rows: o.Rows, Classes: o.Classes, Ignore: o.Ignore, Smoothing: o.Smoothing},
			bufs[0], bufs[1], losses, counted, loss, bufs[2], bufs[3], bufs[4])
	}
	return e
}

// fillMasked draws labels below n, and takes a third of them away.
func fillMasked(n, ignore int, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
	if !fillIndices("labels", n, o, c, r, b) {
		return false
	}
	for i := range b.I {
		if r.between(0, 2) == 0 {
			b.I[i] = int32(ignore)
		}
	}
	return true
}

// embeddings repeat tokens within and across chunks of 512 rows.
func embeddings() []entry {
	forward, backward := entry{}, entry{}
	for _, s := range [][3]int{{37, 11, 9}, {1, 1, 1}, {700, 13, 17}, {5, 1000, 3}, {9000, 3, 2}, {64, 256, 128}, {520, 1, 33}} {
		forward.shapes = append(forward.shapes, kernels.Embedding{Rows: s[0], Vocab: s[1], Dim: s[2]})
		backward.shapes = append(backward.shapes, kernels.EmbeddingGrad{Rows: s[0], Vocab: s[1], Dim: s[2]})
	}
	forward.random = func(r *source) kernels.Operator {
		return kernels.Embedding{Rows: r.between(1, 30), Vocab: r.between(1, 20), Dim: r.between(1, 40)}
	}
	backward.random = func(r *source) kernels.Operator {
		return kernels.EmbeddingGrad{Rows: r.between(1, 30), Vocab: r.between(1, 20), Dim: r.between(1, 40)}
	}
	forward.perf = kernels.Embedding{Rows: 2048, Vocab: 1000, Dim: 256}
	backward.perf = kernels.EmbeddingGrad{Rows: 2048, Vocab: 1000, Dim: 256}
	forward.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return fillIndices("ids", op.(kernels.Embedding).Vocab, o, c, r, b)
	}
	backward.fill = func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return fillIndices("ids", op.(kernels.EmbeddingGrad).Vocab, o, c, r, b)
	}
	return []entry{forward, backward}
}

// fillIndices draws the operand called name from [0,n).
func fillIndices(name string, n int, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
	if o.Name != name {
		return false
	}
	r.indices(b.I, n, c)
	return true
}
