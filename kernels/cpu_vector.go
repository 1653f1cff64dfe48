package kernels

// vector is the table of inner loops that a code path supplies. Each field's comment is the exact
// Go loop that every entry equals; the generic entry is that loop, on its operator's page. i runs
// over x, or over the first operand where there is no x; all slices have that length unless said
// otherwise. Outputs may be the same slice as an input of the same length, never overlap it
// otherwise. Slices may be empty.
//
// The sums are R128 of at most 65536 terms: L[i%128] += term from +0, then the fold by halves.
// exp, tanh and the others are the functions of contract.md section 5.
type vector struct {
	isa ISA

	relu         func(y, x []float32)      // y[i] = x[i] < 0 ? +0 : x[i]
	reluGrad     func(dx, x, dy []float32) // dx[i] = x[i] <= 0 ? +0 : dy[i]
	tanh         func(y, x []float32)      // y[i] = tanh(x[i])
	tanhGrad     func(dx, y, dy []float32) // dx[i] = dy[i] * (1 - float32(y[i]*y[i]))
	sigmoid      func(y, x []float32)      // y[i] = sigmoid(x[i])
	sigmoidGrad  func(dx, y, dy []float32) // dx[i] = dy[i] * float32(y[i]*(1-y[i]))
	silu         func(y, x []float32)      // y[i] = silu(x[i])
	siluGrad     func(dx, x, dy []float32) // dx[i] = dy[i] * siluSlope(x[i])
	gelu         func(y, x []float32)      // y[i] = gelu(x[i])
	geluGrad     func(dx, x, dy []float32) // dx[i] = dy[i] * geluSlope(x[i])
	geluTanh     func(y, x []float32)      // y[i] = geluTanh(x[i])
	geluTanhGrad func(dx, x, dy []float32) // dx[i] = dy[i] * geluTanhSlope(x[i])

	clamp           func(y, x []float32, lo, hi float32)      // v = x[i]; if v < lo { v = lo }; y[i] = v > hi ? hi : v
	clampGrad       func(dx, x, dy []float32, lo, hi float32) // dx[i] = x[i] < lo || x[i] > hi ? +0 : dy[i]
	hardSigmoid     func(y, x []float32)                      // y[i] = hardSigmoid(x[i])
	hardSigmoidGrad func(dx, x, dy []float32)                 // hardSigmoidGradLoop
	hardSwish       func(y, x []float32)                      // y[i] = hardSwish(x[i])
	hardSwishGrad   func(dx, x, dy []float32)                 // hardSwishGradLoop
	leakyReLU       func(y, x []float32, slope float32)       // y[i] = x[i] > 0 ? x[i] : x[i]*slope
	leakyReLUGrad   func(dx, x, dy []float32, slope float32)  // dx[i] = x[i] > 0 ? dy[i] : dy[i]*slope
	elu             func(y, x []float32, alpha float32)       // y[i] = x[i] > 0 ? x[i] : (exp(x[i])-1)*alpha
	eluGrad         func(dx, x, dy []float32, alpha float32)  // dx[i] = x[i] > 0 ? dy[i] : dy[i]*float32(exp(x[i])*alpha)
	softplus        func(y, x []float32)                      // y[i] = softplus(x[i])
	softplusGrad    func(dx, x, dy []float32)                 // dx[i] = dy[i] * sigmoid(x[i])

	add       func(c, a, b []float32)                                                       // c[i] = a[i] + b[i]
	sub       func(c, a, b []float32)                                                       // c[i] = a[i] - b[i]
	mul       func(c, a, b []float32)                                                       // c[i] = a[i] * b[i]
	scale     func(y, x []float32, s float32)                                               // y[i] = x[i] * s
	addScalar func(y, x []float32, s float32)                                               // y[i] = x[i] + s
	addRows   func(y, x, b []float32)                                                       // y[i] = x[i] + b[i%len(b)]; len(x) is a multiple of len(b)
	subScale  func(dx, x, t []float32, s float32)                                           // dx[i] = (x[i] - t[i]) * s
	dropout   func(y, x []float32, at uint64, s [4]uint32, threshold uint32, scale float32) // y[i] = word at+i of streamOf(s) >= threshold ? x[i]*scale : +0; at is a multiple of 4

	// The windows are top[2j], top[2j+1], bottom[2j], bottom[2j+1], and at+2j is the place of the first:
	// y[j], index[j] = the largest of contract.md section 7.7 and its place, where bottom lies width behind top.
	maxPool2 func(y []float32, index []int32, top, bottom []float32, at, width int32)

	foldRows    func(sum, x []float32, stride, n int) // sum[j] += x[i*stride+j] for i < n ascending; j runs over sum
	foldColumns func(sum, x []float32, stride, n int) // sum[j] += x[j*stride+i] for i < n ascending; j runs over sum

	max            func(x []float32) float32               // m = -Inf; if x[i] > m { m = x[i] }; m + 0
	sum            func(x []float32) float32               // R128 of x[i]
	sumSquares     func(x []float32) float32               // R128 of float32(x[i]*x[i])
	sumProducts    func(a, b []float32) float32            // R128 of float32(a[i]*b[i])
	sumDifferences func(x, t []float32) float32            // d = x[i] - t[i]; R128 of float32(d*d)
	sumDeviations  func(x []float32, mu float32) float32   // d = x[i] - mu; R128 of float32(d*d)
	sumExp         func(x []float32, m float32) float32    // R128 of exp(x[i]-m)
	expSum         func(y, x []float32, m float32) float32 // y[i] = exp(x[i]-m); R128 of y[i]

	expScale    func(y, x []float32, m, r, s float32) // y[i] = float32(exp(x[i]-m)*r) * s
	softmaxGrad func(dx, y, dy []float32, d float32)  // dx[i] = y[i] * (dy[i] - d)

	// With xh = float32((x[i]-mu)*rs) and g = float32(dy[i]*gamma[i]):
	layerNorm    func(y, x, gamma, beta []float32, mu, rs float32)             // y[i] = float32(xh*gamma[i]) + beta[i]
	rmsNorm      func(y, x, gamma []float32, rs float32)                       // y[i] = float32(x[i]*rs) * gamma[i]
	normGradSums func(dy, gamma, x []float32, mu, rs float32) (s1, s2 float32) // R128 of g, R128 of float32(g*xh)
	normGrad     func(dx, dy, gamma, x []float32, mu, rs, c1, c2 float32)      // dx[i] = rs * ((g - c1) - float32(xh*c2))
	normParams   func(dgamma, dbeta, x, dy []float32, mu, rs float32)          // dgamma[i] += float32(dy[i]*xh); dbeta[i] += dy[i]

	sgd         func(p, g []float32, lr, wd float32)                              // sgdLoop
	sgdMomentum func(p, g, buf []float32, lr, omd, mu, wd float32, nesterov bool) // sgdMomentumLoop
	adam        func(p, g, m, v []float32, s *[9]float32)                         // adamLoop
	adamW       func(p, g, m, v []float32, s *[9]float32)                         // adamWLoop
}

// generic is the reference.
func generic() *vector {
	return &vector{
		isa: Generic,

		relu: reluLoop, reluGrad: reluGradLoop,
		tanh: tanhLoop, tanhGrad: tanhGradLoop,
		sigmoid: sigmoidLoop, sigmoidGrad: sigmoidGradLoop,
		silu: siluLoop, siluGrad: siluGradLoop,
		gelu: geluLoop, geluGrad: geluGradLoop,
		geluTanh: geluTanhLoop, geluTanhGrad: geluTanhGradLoop,

		clamp: clampLoop, clampGrad: clampGradLoop,
		hardSigmoid: hardSigmoidLoop, hardSigmoidGrad: hardSigmoidGradLoop,
		hardSwish: hardSwishLoop, hardSwishGrad: hardSwishGradLoop,
		leakyReLU: leakyReLULoop, leakyReLUGrad: leakyReLUGradLoop,
		elu: eluLoop, eluGrad: eluGradLoop,
		softplus: softplusLoop, softplusGrad: softplusGradLoop,

		add: addLoop, sub: subLoop, mul: mulLoop, scale: scaleLoop, addScalar: addScalarLoop, addRows: addRowsLoop,
		subScale: subScaleLoop, dropout: dropoutLoop,

		maxPool2: maxPool2Loop,

		foldRows: foldRowsLoop, foldColumns: foldColumnsLoop,

		max: maxLoop, sum: r128, sumSquares: sumSquaresLoop, sumProducts: sumProductsLoop,
		sumDifferences: sumDifferencesLoop, sumDeviations: sumDeviationsLoop,
		sumExp: sumExpLoop, expSum: expSumLoop,

		expScale: expScaleLoop, softmaxGrad: softmaxGradLoop,

		layerNorm: layerNormLoop, rmsNorm: rmsNormLoop,
		normGradSums: normGradSumsLoop, normGrad: normGradLoop, normParams: normParamsLoop,

		sgd: sgdLoop, sgdMomentum: sgdMomentumLoop, adam: adamLoop, adamW: adamWLoop,
	}
}

// vectorFor returns the inner loops of a code path. Loops that a path does not have are the
// reference's own.
func vectorFor(isa ISA) *vector {
	v := generic()
	v.isa = isa
	accelerate(v)
	return v
}
