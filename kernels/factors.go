package kernels

// Factors says where the factors of a product lie, for whoever looks at its sums one by one: output (i,j) is the sum of
// contract.md section 2.1, or of what a profile has in its place, over k of the terms A(i,k) and B(j,k). Where products
// of the same sizes stand side by side, group g has rows g*M to (g+1)*M-1 of A and g*N to (g+1)*N-1 of B.
type Factors struct {
	Groups  int // products side by side; 0 stands for one
	M, N, K int // of a group: rows of A, rows of B, terms of a sum
	A, B    Factor
}

// Factor is one of the two matrices of a product, as the element of an operand that stands for a term of a row.
type Factor struct {
	Operand int
	At      func(row, k int) int // negative where the factor is +0, on the border of an image
}

// FactorsOf is where the factors of a product lie; ok is false for an operator that is none, and for attention, whose
// operands do not hold the factors of all its products.
func FactorsOf(op Operator) (f Factors, ok bool) {
	o, ok := op.(interface{ factors() Factors })
	if !ok {
		return Factors{}, false
	}
	f = o.factors()
	f.Groups = max(f.Groups, 1)
	return f, true
}

func (o Gemm) factors() Factors {
	f := Factors{M: o.M, N: o.N, K: o.K, A: Factor{0, nil}, B: Factor{1, nil}}
	f.A.At = strided(o.K, 1)
	if o.TransA {
		f.A.At = strided(1, o.M)
	}
	f.B.At = strided(1, o.N)
	if o.TransB {
		f.B.At = strided(o.K, 1)
	}
	return f
}

// The rows of both factors are those of all pairs.
func (o Matmul) factors() Factors {
	f := o.Each.factors()
	a, b, e := f.A.At, f.B.At, o.Each
	f.Groups = o.Batch
	f.A.At = func(row, k int) int { return row/e.M*e.M*e.K + a(row%e.M, k) }
	f.B.At = func(row, k int) int { return row/e.N*e.N*e.K + b(row%e.N, k) }
	return f
}

func strided(row, col int) func(i, k int) int {
	return func(i, k int) int { return i*row + k*col }
}

// The rows of B are the output pixels of all images, once for each group.
func (o Conv2D) factors() Factors {
	pixels := o.OutH() * o.OutW()
	return Factors{Groups: o.groups(), M: o.groupO(), N: o.N * pixels, K: o.taps(),
		A: Factor{1, strided(o.taps(), 1)},
		B: Factor{0, func(j, k int) int {
			g, j := j/(o.N*pixels), j%(o.N*pixels)
			return o.pixel(g, j/pixels, j%pixels, k)
		}},
	}
}

// pixel is the element of x under tap k of group g and output pixel p of image n.
func (s ConvShape) pixel(g, n, p, k int) int {
	c, kh, kw := g*s.groupC()+k/(s.KH*s.KW), k/s.KW%s.KH, k%s.KW
	ih, inside := s.inRow(p/s.OutW(), kh)
	iw, ok := s.inCol(p%s.OutW(), kw)
	if !ok || !inside {
		return -1
	}
	return ((n*s.C+c)*s.H+ih)*s.W + iw
}

// The rows of A are the channels, those of B the input pixels of all images, once for each group.
func (o Conv2DGradInput) factors() Factors {
	window, pixels := o.KH*o.KW, o.H*o.W
	return Factors{Groups: o.groups(), M: o.groupC(), N: o.N * pixels, K: o.groupO() * window,
		A: Factor{1, func(c, k int) int {
			g, own := c/o.groupC(), c%o.groupC()
			return ((g*o.groupO()+k/window)*o.groupC()+own)*window + k%window
		}},
		B: Factor{0, func(j, k int) int {
			first := j / (o.N * pixels) * o.groupO()
			n, p := j/pixels%o.N, j%pixels
			oc, kh, kw := first+k/window, k/o.KW%o.KH, k%o.KW
			oh, inside := o.outRow(p/o.W, kh)
			ow, ok := o.outCol(p%o.W, kw)
			if !ok || !inside {
				return -1
			}
			return ((n*o.O+oc)*o.OutH()+oh)*o.OutW() + ow
		}},
	}
}

// The rows of B are the taps of a filter of each group.
func (o Conv2DGradWeight) factors() Factors {
	pixels := o.OutH() * o.OutW()
	return Factors{Groups: o.groups(), M: o.groupO(), N: o.taps(), K: o.N * pixels,
		A: Factor{1, func(oc, k int) int { return (k/pixels*o.O+oc)*pixels + k%pixels }},
		B: Factor{0, func(tap, k int) int { return o.pixel(tap/o.taps(), k/pixels, k%pixels, tap%o.taps()) }},
	}
}

// Effective counts the terms a[k]*b[k] of one chunk of a sum that change the running sum, which is +0 before the first:
// fma(a[k], b[k], P) != P. Zeros of either sign are equal, and so are all NaN. a and b are no longer than [Profile.Chunk].
func (p Profile) Effective(a, b []float32) (n int) {
	switch p {
	case ProfileF32:
		sum := float32(0)
		for k, x := range a {
			next := fma32(x, b[k], sum)
			if next != sum && (next == next || sum == sum) {
				n++
			}
			sum = next
		}
	}
	return n
}

// Dot is the sum of products a[k]*b[k] of all terms, the first of which is term 0, as an output of a product has it.
func (p Profile) Dot(a, b []float32) float32 {
	var s, g, c float32
	switch p {
	case ProfileF32:
		for k, x := range a {
			if k%chunkF32 == 0 && k > 0 {
				g, c = g+c, 0
				if k%groupF32 == 0 {
					s, g = s+g, 0
				}
			}
			c = fma32(x, b[k], c)
		}
	}
	return s + (g + c)
}

// Score is s of a query and a key, contract.md section 7.2.
func (o SDPA) Score(query, key []float32) float32 {
	return float32(o.Profile.Dot(query, key) * o.Scale)
}

// Sees is the number of keys that query i sees where no mask leaves any out, and Weighs that of the keys that are terms of its
// sums.
func (o SDPA) Sees(i int) int   { return o.sees(i, seenKeys{n: o.Keys}) }
func (o SDPA) Weighs(i int) int { return o.weighs(i, seenKeys{n: o.Keys}) }

// Block is the number of queries that weigh the same keys: a key has the queries of its own block as terms and, where the
// attention is causal, those behind it alone.
func (o SDPA) Block() int {
	if o.Causal {
		return causalBlock
	}
	return max(o.Queries, 1)
}

// Exp is exp of contract.md section 5.1.
func Exp(x float32) float32 { return exp(x) }

// SumProducts is the sum, section 3, of the products of at most 65536 pairs of elements.
func SumProducts(a, b []float32) float32 { return sumProductsLoop(a, b) }
