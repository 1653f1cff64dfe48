package oracle

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/verifyd/verifyd/verify/program"
)

var layers = []rule{
	of(func(w *walk, s site, op program.Input) *gorgonia.Node {
		if op.Type == program.I32 {
			return w.expectIDs(s.rows * s.cols)
		}
		return w.value(w.batch.X, s.rows, s.cols)
	}),
	of(func(w *walk, s site, _ program.Flatten) *gorgonia.Node { return w.reshape(s.in[0], s.rows, s.cols) }),
	of(func(w *walk, s site, op program.Dropout) *gorgonia.Node {
		return w.dropout(s.in[0], op.P, uint32(s.Index), s.rows, s.cols)
	}),
	of(func(w *walk, s site, op program.Linear) *gorgonia.Node {
		if op.Transposed {
			return w.linear(s.in[0], w.transpose(s.params[0]), s.optional(), s.rows, op.Out)
		}
		return w.linear(s.in[0], s.params[0], s.optional(), s.rows, op.Out)
	}),
	of(func(w *walk, s site, op program.LayerNorm) *gorgonia.Node {
		return w.layerNorm(s.in[0], s.params[0], s.params[1], s.rows, s.cols, op.Eps)
	}),
	of(func(w *walk, s site, op program.RMSNorm) *gorgonia.Node {
		return w.rmsNorm(s.in[0], s.params[0], s.rows, s.cols, op.Eps)
	}),
	of(func(w *walk, s site, op program.Embedding) *gorgonia.Node {
		return w.embedding(w.batch.IDs, s.params[0], op.Vocab)
	}),
	of(func(w *walk, s site, _ program.PositionEmbedding) *gorgonia.Node {
		all := w.spread(s.params[0], w.rows, s.Output.Len())
		return w.add(s.in[0], w.reshape(all, s.rows, s.cols))
	}),
	of(func(w *walk, s site, op program.Attention) *gorgonia.Node {
		return w.attention(s, op)
	}),
	of(func(w *walk, s site, op program.Rope) *gorgonia.Node { return w.rope(s, op) }),
	of(func(w *walk, s site, op program.MatMul) *gorgonia.Node { return w.matmul(s, op) }),
	of(func(w *walk, s site, op program.Conv2D) *gorgonia.Node {
		if w.err == nil && (op.Groups != 0 || op.Dilation != [2]int{}) {
			w.err = &UnsupportedError{What: "conv2d in groups or with taps apart"}
			return nil
		}
		return w.conv2d(s.in[0], s.params[0], s.optional(), w.rows, op.Out, windowOf(s.specs[0], op.Kernel, op.Stride, op.Padding))
	}),
	of(func(w *walk, s site, op program.MaxPool2D) *gorgonia.Node {
		return w.maxPool2d(s.in[0], w.rows, windowOf(s.specs[0], op.Kernel, op.Stride, op.Padding))
	}),
	of(func(w *walk, s site, op program.AvgPool2D) *gorgonia.Node {
		return w.avgPool2d(s.in[0], w.rows, windowOf(s.specs[0], op.Kernel, op.Stride, op.Padding))
	}),
}

// expectIDs notes a wrong number of ids, whose node has no value: the embedding reads the batch.
func (w *walk) expectIDs(n int) *gorgonia.Node {
	if w.err == nil && len(w.batch.IDs) != n {
		w.err = fmt.Errorf("%d ids given, %d needed", len(w.batch.IDs), n)
	}
	return nil
}

// linear is x W^T + b, W being (out, in); b may be nil.
func (t *tape) linear(x, w, b *gorgonia.Node, rows, out int) *gorgonia.Node {
	y := t.mul(x, t.transpose(w))
	if b == nil {
		return y
	}
	return t.add(y, t.spread(b, rows, out))
}

// layerNorm normalises each row by its mean and variance (Ba, Kiros, Hinton 2016, arXiv:1607.06450).
func (t *tape) layerNorm(x, gamma, beta *gorgonia.Node, rows, cols int, eps float64) *gorgonia.Node {
	centred := t.sub(x, t.rowMeans(x, cols))
	deviation := t.apply1(gorgonia.Sqrt, t.shift(t.rowMeans(t.times(centred, centred), cols), eps))
	scaled := t.times(t.over(centred, deviation), t.spread(gamma, rows, cols))
	return t.add(scaled, t.spread(beta, rows, cols))
}

// rmsNorm divides each row by its root mean square (Zhang and Sennrich 2019, arXiv:1910.07467).
func (t *tape) rmsNorm(x, gamma *gorgonia.Node, rows, cols int, eps float64) *gorgonia.Node {
	size := t.apply1(gorgonia.Sqrt, t.shift(t.rowMeans(t.times(x, x), cols), eps))
	return t.times(t.over(x, size), t.spread(gamma, rows, cols))
}

// embedding selects rows of a table by a product with one-hot rows.
func (t *tape) embedding(ids []int32, table *gorgonia.Node, vocabulary int) *gorgonia.Node {
	return t.mul(t.oneHot(ids, vocabulary), table)
}

// oneHot has a 1 in each row, in the column that ids names.
func (t *tape) oneHot(ids []int32, classes int) *gorgonia.Node {
	return t.matrix(len(ids), classes, func(i, j int) float64 { return indicator(int(ids[i]) == j) })
}

// crossEntropy is the mean over rows of log(sum(exp(z))) - z[label].
func (t *tape) crossEntropy(z *gorgonia.Node, labels []int32, classes int) *gorgonia.Node {
	// Each column of rowSums holds the same sum; the one-hot product picks one of them.
	hot := t.oneHot(labels, classes)
	logs := t.apply1(gorgonia.Log, t.rowSums(t.apply1(gorgonia.Exp, z), classes))
	return t.scale(t.total(t.times(hot, t.sub(logs, z))), 1/float64(len(labels)))
}

// mse is the mean of the squared differences.
func (t *tape) mse(x, target *gorgonia.Node, n int) *gorgonia.Node {
	d := t.sub(x, target)
	return t.scale(t.total(t.times(d, d)), 1/float64(n))
}

// window is a convolution's or pooling's geometry, height before width.
type window struct {
	channels, height, width int
	kernel, stride, pad     [2]int
}

func windowOf(in program.TensorSpec, kernel, stride, pad [2]int) window {
	return window{channels: in.Shape[0], height: in.Shape[1], width: in.Shape[2], kernel: kernel, stride: stride, pad: pad}
}

// size is the height and width of the output.
func (g window) size() (int, int) {
	return (g.height+2*g.pad[0]-g.kernel[0])/g.stride[0] + 1, (g.width+2*g.pad[1]-g.kernel[1])/g.stride[1] + 1
}

// conv2d is a convolution of (batch, C, H, W) with filters (O, C, KH, KW); b may be nil.
func (t *tape) conv2d(x, w, b *gorgonia.Node, batch, out int, g window) *gorgonia.Node {
	image := t.reshape(x, batch, g.channels, g.height, g.width)
	filters := t.reshape(w, out, g.channels, g.kernel[0], g.kernel[1])
	y := t.apply2(func(im, f *gorgonia.Node) (*gorgonia.Node, error) {
		return gorgonia.Conv2d(im, f, tensor.Shape(g.kernel[:]), g.pad[:], g.stride[:], []int{1, 1})
	}, image, filters)
	h, wd := g.size()
	flat := t.reshape(y, batch, out*h*wd)
	if b == nil {
		return flat
	}
	plane := t.matrix(out, out*h*wd, func(i, j int) float64 { return indicator(j/(h*wd) == i) })
	return t.add(flat, t.spread(t.mul(t.reshape(b, 1, out), plane), batch, out*h*wd))
}

// maxPool2d takes the maximum of each window of each channel.
func (t *tape) maxPool2d(x *gorgonia.Node, batch int, g window) *gorgonia.Node {
	image := t.reshape(x, batch, g.channels, g.height, g.width)
	y := t.apply1(func(im *gorgonia.Node) (*gorgonia.Node, error) {
		return gorgonia.MaxPool2D(im, tensor.Shape(g.kernel[:]), g.pad[:], g.stride[:])
	}, image)
	h, w := g.size()
	return t.reshape(y, batch, g.channels*h*w)
}

// avgPool2d takes the mean of each window, padding counted as zeros: a product with a constant matrix.
func (t *tape) avgPool2d(x *gorgonia.Node, batch int, g window) *gorgonia.Node {
	h, w := g.size()
	inverse := 1 / float64(g.kernel[0]*g.kernel[1])
	pick := t.matrix(g.height*g.width, h*w, func(i, j int) float64 {
		dy := i/g.width - (j/w*g.stride[0] - g.pad[0])
		dx := i%g.width - (j%w*g.stride[1] - g.pad[1])
		return inverse * indicator(dy >= 0 && dy < g.kernel[0] && dx >= 0 && dx < g.kernel[1])
	})
	y := t.mul(t.reshape(x, batch*g.channels, g.height*g.width), pick)
	return t.reshape(y, batch, g.channels*h*w)
}

// indicator is 1 where the condition holds and 0 elsewhere.
func indicator(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
