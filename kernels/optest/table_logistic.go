package optest

import "github.com/verifyd/verifyd/kernels"

// logistic is the residual of logistic models, of one column and of several.
func logistic() []entry {
	of := func(rows, columns, models int) kernels.Operator {
		return kernels.LogisticResidual{Rows: rows, Columns: columns, Models: models}
	}
	fill := func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
		return fillIndices("labels", max(2, op.(kernels.LogisticResidual).Columns), o, c, r, b)
	}
	binary := entry{
		shapes: []kernels.Operator{of(9, 1, 131), of(1, 1, 1), of(7, 1, 8), of(33, 1, 17), of(300, 1, 64), of(2, 1, 5000), of(0, 1, 3)},
		random: func(r *source) kernels.Operator { return of(r.between(1, 12), 1, r.between(1, 150)) },
		fill:   fill,
		perf:   of(1000, 1, 128),
	}
	several := entry{
		shapes: []kernels.Operator{of(9, 3, 131), of(1, 2, 1), of(7, 10, 8), of(33, 4, 17), of(60, 10, 64), of(2, 3, 2500), of(3, 0, 5), of(4, 3, 0)},
		random: func(r *source) kernels.Operator { return of(r.between(1, 6), r.between(2, 11), r.between(1, 60)) },
		fill:   fill,
		perf:   of(1000, 10, 128),
	}
	return []entry{binary, several}
}
