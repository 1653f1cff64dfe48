package kernels

// Conv2DGradWeight is the gradient of Conv2D by its weights: dw[o,c,kh,kw] is the sum over the output
// pixels K = (n,oh,ow), ascending, of dy[n,o,oh,ow] times the pixel of x under that tap, in the GEMM
// order. Pixels of the border are +0 and take part as terms.
//
// x is NxCxHxW, dy is NxOxOutHxOutW, dw is OxC/GroupsxKHxKW.
type Conv2DGradWeight struct{ ConvShape }

// Name is "conv2d_grad_weight".
func (Conv2DGradWeight) Name() string { return "conv2d_grad_weight" }

// Operands are x, dy -> dw.
func (o Conv2DGradWeight) Operands() []Operand {
	return []Operand{o.x("x", In), o.y("dy", In), o.w("dw", Out)}
}

func (o Conv2DGradWeight) pieces(c *CPU, phase int) int {
	tiled := c.workers[0].tiles != nil
	switch {
	case phase == 1 && o.deep(c.workers[0].tiles):
		return o.C
	case !tiled && phase == 0:
		return o.groups() * o.taps()
	case tiled && phase == 1:
		return o.groups() * o.folds()
	case tiled && phase == 0 && o.deep(c.workers[0].tiles):
		sums := (o.N*o.OutH()*o.OutW() + groupF32 - 1) / groupF32
		c.packed = grow(c.packed, sums*o.depthBlocks()*depthLanes*o.KH*o.KW)
		return max(sums*o.depthBlocks(), 1)
	case tiled && phase == 0:
		sums, blocks, _ := o.tapCut(c)
		c.packed = grow(c.packed, sums*o.taps()*o.O)
		return max(sums*o.groups()*blocks, 1)
	}
	return 0
}

func (o Conv2DGradWeight) piece(w *worker, phase, i int, buf []Buf) {
	x, dy, dw := buf[0].F, buf[1].F, buf[2].F
	if w.tiles == nil {
		o.reference(w, i, x, dy, dw)
		return
	}
	sums := w.cpu.packed
	if o.deep(w.tiles) {
		o.deepPhase(w, phase, i, x, dy, sums, dw)
		return
	}
	n, blocks, taps := o.tapCut(w.cpu)
	if phase == 1 {
		o.foldSums(w, i, n, sums, dw)
		return
	}
	part, lo := i/blocks, i%blocks*taps
	if hi := min(lo+taps, o.taps()); lo < hi {
		o.sumTerms(w, part, lo, hi, x, dy, sums[(part*o.taps()+lo)*o.groupO():])
	}
}

// reference computes tap (c,kh,kw) of all filters of a group, tap i of all groups.
func (o Conv2DGradWeight) reference(w *worker, i int, x, dy, dw []float32) {
	rows, cols := o.OutH(), o.OutW()
	group, tap := i/o.taps(), i%o.taps()
	c, kh, kw := group*o.groupC()+tap/(o.KH*o.KW), tap/o.KW%o.KH, tap%o.KW
	first := group * o.groupO() // filter
	f := w.productFold(o.Profile, o.groupO())
	for n := range o.N {
		for oh := range rows {
			ih, inside := o.inRow(oh, kh)
			for ow := range cols {
				var pixel float32
				if iw, ok := o.inCol(ow, kw); ok && inside {
					pixel = x[((n*o.C+c)*o.H+ih)*o.W+iw]
				}
				p := oh*cols + ow
				f.add(n*rows*cols+p, pixel, dy[(n*o.O+first)*rows*cols+p:], rows*cols)
			}
		}
	}
	f.sum(dw[first*o.taps()+tap:], o.taps())
}
