package oracle

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/verifyd/verifyd/verify/program"
)

// movements are the operators that move, repeat and average elements of a sample: products of the samples, a row each, with a
// constant matrix.
var movements = []rule{
	of(func(w *walk, s site, _ program.Reshape) *gorgonia.Node { return w.reshape(s.in[0], s.rows, s.cols) }),
	of(func(w *walk, s site, op program.Transpose) *gorgonia.Node {
		return w.moved(s, 0, func(from, to []int) float64 {
			for i, a := range op.Perm {
				if to[i] != from[a] {
					return 0
				}
			}
			return 1
		})
	}),
	of(func(w *walk, s site, op program.Slice) *gorgonia.Node {
		return w.moved(s, 0, func(from, to []int) float64 {
			place := slices.Clone(to)
			place[op.Axis] = op.Start + op.Step*to[op.Axis]
			return indicator(slices.Equal(from, place))
		})
	}),
	of(func(w *walk, s site, op program.Select) *gorgonia.Node {
		return w.moved(s, 0, func(from, to []int) float64 {
			return indicator(slices.Equal(from, slices.Insert(slices.Clone(to), op.Axis, op.Index)))
		})
	}),
	of(func(w *walk, s site, _ program.Expand) *gorgonia.Node { return w.repeated(s, 0) }),
	of(func(w *walk, s site, op program.Mean) *gorgonia.Node {
		n := s.specs[0].Len() / s.Output.Len()
		return w.moved(s, 0, func(from, to []int) float64 {
			kept := slices.Clone(from)
			for _, a := range slices.Backward(op.Axes) {
				if kept[a] = 0; !op.KeepDim {
					kept = slices.Delete(kept, a, a+1)
				}
			}
			return indicator(slices.Equal(kept, to)) / float64(n)
		})
	}),
	of(func(w *walk, s site, op program.Concat) *gorgonia.Node {
		var all *gorgonia.Node
		at := 0
		for k := range s.in {
			part := w.moved(s, k, func(from, to []int) float64 {
				place := slices.Clone(from)
				place[op.Axis] += at
				return indicator(slices.Equal(place, to))
			})
			at += s.specs[k].Shape[op.Axis]
			if all == nil {
				all = part
			} else {
				all = w.add(all, part)
			}
		}
		return all
	}),
	of(func(w *walk, s site, _ program.Add) *gorgonia.Node { return w.add(w.repeated(s, 0), w.repeated(s, 1)) }),
	of(func(w *walk, s site, _ program.Sub) *gorgonia.Node { return w.sub(w.repeated(s, 0), w.repeated(s, 1)) }),
	of(func(w *walk, s site, _ program.Mul) *gorgonia.Node {
		return w.times(w.repeated(s, 0), w.repeated(s, 1))
	}),
	of(func(w *walk, s site, op program.Scale) *gorgonia.Node {
		return w.shift(w.scale(s.in[0], op.Factor), op.Shift)
	}),
	of(func(w *walk, s site, op program.RowDropout) *gorgonia.Node {
		return w.rowDropout(s.in[0], op.P, uint32(s.Index), s.rows, s.cols)
	}),
}

// moved is the output each of whose elements is the sum of those of a sample of input k, weighted by their places.
func (w *walk) moved(s site, k int, weight func(from, to []int) float64) *gorgonia.Node {
	in, out := s.specs[k], s.Output
	x := w.reshape(s.in[k], w.rows, in.Len())
	y := w.mul(x, w.matrix(in.Len(), out.Len(), func(i, j int) float64 { return weight(place(in.Shape, i), place(out.Shape, j)) }))
	return w.reshape(y, s.rows, s.cols)
}

// repeated is input k in the output's shape.
func (w *walk) repeated(s site, k int) *gorgonia.Node {
	if slices.Equal(s.specs[k].Shape, s.Output.Shape) {
		return s.in[k]
	}
	return w.moved(s, k, func(from, to []int) float64 {
		to = to[len(to)-len(from):]
		for i, at := range from {
			if at != to[i] && s.specs[k].Shape[i] != 1 {
				return 0
			}
		}
		return 1
	})
}

// place is where element i of a dense tensor lies on each axis.
func place(shape []int, i int) []int {
	at := make([]int, len(shape))
	for a, n := range slices.Backward(shape) {
		at[a] = i % n
		i /= n
	}
	return at
}
