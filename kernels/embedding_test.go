package kernels

import "testing"

func TestEmbeddingCopiesRowsAndIgnoresForeignIDs(t *testing.T) {
	y := zeros(8)
	run(t, Embedding{Rows: 4, Vocab: 3, Dim: 2}, ints(2, -1, 0, 3), floats(1, 2, 3, 4, 5, 6), y)
	same(t, "y", y.F, []float32{5, 6, 0, 0, 1, 2, 0, 0})

	dtable := floats(9, 9, 9, 9, 9, 9)
	run(t, EmbeddingGrad{Rows: 4, Vocab: 3, Dim: 2}, ints(2, -1, 2, 3), floats(1, 2, 3, 4, 5, 6, 7, 8), dtable)
	same(t, "dtable", dtable.F, []float32{0, 0, 0, 0, 6, 8})
}

func TestEmbeddingGradIsTheProductWithOneHots(t *testing.T) {
	const rows, vocab, dim = 8192 + 1100, 5, 70 // two groups, many chunks, two blocks of columns
	dy := fill(rows*dim, 8)
	ids := make([]int32, rows)
	hot := make([]float32, rows*vocab)
	for r, u := range fill(rows, 9) {
		ids[r] = int32((u + 1) / 2 * vocab)
		hot[r*vocab+int(ids[r])] = 1
	}
	got, want := zeros(vocab*dim), zeros(vocab*dim)
	run(t, EmbeddingGrad{rows, vocab, dim}, ints(ids...), floats(dy...), got)
	run(t, Gemm{M: vocab, N: dim, K: rows, TransA: true, Profile: ProfileF32}, floats(hot...), floats(dy...), want)
	same(t, "dtable", got.F, want.F)
}
