package kernels

// The weights' gradient on tiles is the product of a matrix with a row for each tap (c,kh,kw) and a
// column for each output pixel k = (n,oh,ow), and of dy turned so that its rows are output pixels.
// Both are laid out chunk by chunk, for one group of channels at a time. Groups of terms are independent
// pieces, and their sums are folded in a second phase.

// tapCut is the number of groups of terms and of blocks of taps, and the taps in a block.
func (o Conv2DGradWeight) tapCut(c *CPU) (sums, blocks, taps int) {
	all := o.taps()
	sums = (o.N*o.OutH()*o.OutW() + o.Profile.Group() - 1) / o.Profile.Group()
	blocks = 1
	if n := len(c.workers); n > 1 {
		blocks = max(1, min(4*n/max(sums*o.groups(), 1), all/(4*c.workers[0].tiles.rows)))
	}
	return sums, blocks, (all + blocks - 1) / blocks
}

// sumTerms computes taps [lo,hi) of a group of channels over a group of terms, which part counts together, for all
// filters of the group into sums, a row for each tap.
func (o Conv2DGradWeight) sumTerms(w *worker, part, lo, hi int, x, dy, sums []float32) {
	cols, filters := w.tiles.cols, o.groupO()
	g, of := part/o.groups(), part%o.groups() // group of terms, and of channels
	terms, chunk, group := o.N*o.OutH()*o.OutW(), o.Profile.Chunk(), o.Profile.Group()
	for k := g * group; k < min((g+1)*group, terms); k += chunk {
		kc := min(chunk, terms-k)
		ld := rowLength(kc)
		b := panels{data: room(&w.packB, panelsLen(kc, filters, cols)), step: panelStep(kc, cols), kb: cols}
		o.turnPixels(w, of, k, kc, dy, b)
		many, n, copied := o.within(w, of, k, kc, x)
		for first := lo; first < hi; first += blockM {
			taps := min(blockM, hi-first)
			rows := room(&w.packA, taps*ld)
			for t := range taps {
				row := rows[t*ld:][:kc]
				if copied {
					many.row(row, int(many.at[first+t]), k-n*o.OutH()*o.OutW())
				} else {
					o.tapRow(of, first+t, k, x, row)
				}
			}
			w.productChunk(o.Profile, taps, filters, kc, mat{rows, ld, 1}, b, mat{sums[(first-lo)*filters:], filters, 1}, k > g*group)
		}
	}
}

// within copies the images of a group that kc output pixels from k on meet, from image n on, to lie within their borders: where
// images are small or have strides, rows of pixels are read from there.
func (o Conv2DGradWeight) within(w *worker, group, k, kc int, x []float32) (many columns, n int, copied bool) {
	pixels := o.OutH() * o.OutW()
	if pixels > o.Profile.Chunk() || o.StrideH == 1 && o.StrideW == 1 && o.OutW() == o.W && pixels > outputBlock/2 {
		return columns{}, 0, false
	}
	n = k / pixels
	return w.manyImages((k+kc-1)/pixels-n+1, func(i int) image {
		return Conv2D(o).image(w, x[((n+i)*o.C+group*o.groupC())*o.H*o.W:])
	}), n, true
}

// tapRow sets dst to the pixels of x under a tap of a group for the output pixels from k on.
func (o Conv2DGradWeight) tapRow(group, tap, k int, x, dst []float32) {
	rows, cols := o.OutH(), o.OutW()
	c, kh, kw := group*o.groupC()+tap/(o.KH*o.KW), tap/o.KW%o.KH, tap%o.KW
	for len(dst) > 0 {
		n, p := k/(rows*cols), k%(rows*cols)
		run := min(len(dst), rows*cols-p)
		plane := x[(n*o.C+c)*o.H*o.W:][:o.H*o.W]
		if o.StrideH == 1 && o.StrideW == 1 && cols == o.W {
			o.shifted(kh*o.down()-o.PadH, kw*o.across()-o.PadW, p, plane, dst[:run])
		} else {
			o.gathered(kh, kw, p, plane, dst[:run])
		}
		dst, k = dst[run:], k+run
	}
}

// shifted is tapRow within one plane where outputs lie as the pixels do, down and right of the tap.
func (o Conv2DGradWeight) shifted(down, right, p int, plane, dst []float32) {
	from := p + down*o.W + right
	lo, hi := min(max(-from, 0), len(dst)), max(min(len(plane)-from, len(dst)), 0)
	clear(dst[:lo])
	if lo < hi {
		copy(dst[lo:hi], plane[from+lo:])
	}
	clear(dst[max(lo, hi):])
	// Pixels beyond the sides of the plane are the border, not the next row.
	for ow := range min(max(-right, right), o.W) {
		if right > 0 {
			ow = o.W - 1 - ow
		}
		for i := ((ow-p)%o.W + o.W) % o.W; i < len(dst); i += o.W {
			dst[i] = 0
		}
	}
}

// gathered is tapRow within one plane for any stride.
func (o Conv2DGradWeight) gathered(kh, kw, p int, plane, dst []float32) {
	cols := o.OutW()
	// Output columns from first to last meet the plane, the others its border.
	right := kw*o.across() - o.PadW
	first := min((max(-right, 0)+o.StrideW-1)/o.StrideW, cols)
	last := max(min((o.W-right+o.StrideW-1)/o.StrideW, cols), first)
	for len(dst) > 0 {
		oh, ow := p/cols, p%cols
		run := min(len(dst), cols-ow)
		clear(dst[:run])
		if ih, ok := o.inRow(oh, kh); ok {
			line := plane[ih*o.W:][:o.W]
			iw := max(ow, first)*o.StrideW + right
			for i := max(first-ow, 0); i < min(last-ow, run); i++ {
				dst[i] = line[iw]
				iw += o.StrideW
			}
		}
		dst, p = dst[run:], p+run
	}
}

// turnPixels packs kc output pixels of a group of dy from k on, a row for each.
func (o Conv2DGradWeight) turnPixels(w *worker, group, k, kc int, dy []float32, b panels) {
	pixels, cols, filters := o.OutH()*o.OutW(), w.tiles.cols, o.groupO()
	for done := 0; done < kc; {
		n, p := (k+done)/pixels, (k+done)%pixels
		run := min(kc-done, pixels-p)
		for f := 0; f < filters; f += cols {
			d := b.data[f/cols*b.step+done*cols:]
			w.packAcross(run, min(cols, filters-f), mat{dy[(n*o.O+group*filters+f)*pixels+p:], 1, pixels}, d[:run*cols])
		}
		done += run
	}
}

// foldTaps is how many taps are folded together: they lie side by side in a filter.
const foldTaps = 16

func (o Conv2DGradWeight) folds() int { return (o.taps() + foldTaps - 1) / foldTaps }

// foldSums adds up the n groups of terms of some taps of a group of channels, which i counts together, and writes them to its
// filters.
func (o Conv2DGradWeight) foldSums(w *worker, i, n int, sums, dw []float32) {
	all, filters := o.taps(), o.groupO()
	group, lo := i/o.folds(), i%o.folds()*foldTaps
	taps := min(foldTaps, all-lo)
	total := w.floats(taps * filters)
	clear(total)
	for g := range n {
		w.vec.add(total, total, sums[((g*o.groups()+group)*all+lo)*filters:][:len(total)])
	}
	to, done := dw[group*filters*all+lo:], 0
	if w.tiles.transpose != nil {
		for ; done+8 <= taps; done += 8 {
			w.transpose(filters, total[done*filters:], filters, to[done:], all)
		}
	}
	for ; done < taps; done++ {
		for f := range filters {
			to[f*all+done] = total[done*filters+f]
		}
	}
}
