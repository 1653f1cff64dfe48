package optest

import "github.com/verifyd/verifyd/kernels"

// matrices are rows and columns round the widths of vectors, lanes and blocks. 66000 columns pass
// the block of 65536 of R128*, 9000 rows pass a group of 8192.
var matrices = [][2]int{
	{5, 131}, {1, 1}, {3, 2}, {7, 8}, {2, 16}, {9, 33}, {4, 64}, {3, 127}, {3, 128}, {2, 129}, {2, 1000}, {1, 4097}, {600, 3}, {33, 50},
}

// rows are the operators that reduce along a row.
func rows() []entry {
	const eps = 1e-5
	var all []entry
	for _, of := range []func(r, c int) kernels.Operator{
		func(r, c int) kernels.Operator { return kernels.Softmax{Rows: r, Cols: c} },
		func(r, c int) kernels.Operator { return kernels.SoftmaxGrad{Rows: r, Cols: c} },
		func(r, c int) kernels.Operator { return kernels.LayerNorm{Rows: r, Cols: c, Eps: eps} },
		func(r, c int) kernels.Operator { return kernels.RMSNorm{Rows: r, Cols: c, Eps: eps} },
		func(r, c int) kernels.Operator { return kernels.RowSum{Rows: r, Cols: c} },
		func(r, c int) kernels.Operator { return kernels.RowMax{Rows: r, Cols: c} },
	} {
		all = append(all, byMatrix(of, [2]int{1, 66000}))
	}
	layer := byMatrix(func(r, c int) kernels.Operator { return kernels.LayerNormGrad{Rows: r, Cols: c} }, [2]int{9000, 3})
	layer.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.LayerNormGrad)
		y, beta := kernels.Buf{F: make([]float32, o.Rows*o.Cols)}, kernels.Buf{F: make([]float32, o.Cols)}
		return whenNormal(c, ref, kernels.LayerNorm{Rows: o.Rows, Cols: o.Cols, Eps: eps},
			bufs[0], bufs[1], beta, y, bufs[2], bufs[3])
	}
	rms := byMatrix(func(r, c int) kernels.Operator { return kernels.RMSNormGrad{Rows: r, Cols: c} }, [2]int{9000, 3})
	rms.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.RMSNormGrad)
		y := kernels.Buf{F: make([]float32, o.Rows*o.Cols)}
		return whenNormal(c, ref, kernels.RMSNorm{Rows: o.Rows, Cols: o.Cols, Eps: eps}, bufs[0], bufs[1], y, bufs[2])
	}
	return append(all, layer, rms)
}

// whenNormal runs the forward operator on ordinary data. Other classes keep arbitrary numbers, so
// that the gradient is also tested on inputs that no forward operator gives.
func whenNormal(c Class, ref Backend, op kernels.Operator, bufs ...kernels.Buf) error {
	if c != Normal {
		return nil
	}
	return ref.Run(op, bufs)
}

func byMatrix(of func(r, c int) kernels.Operator, more ...[2]int) entry {
	e := entry{
		random: func(r *source) kernels.Operator { return of(r.between(1, 6), r.between(1, 200)) },
		perf:   of(512, 768),
	}
	for _, s := range append(more[:0:0], append(matrices, more...)...) {
		e.shapes = append(e.shapes, of(s[0], s[1]))
	}
	return e
}
