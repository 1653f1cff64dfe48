package kernels

import (
	"math"
	"testing"
)

// norm64 is the gradient of a normalisation in binary64. Without centring it is that of RMSNorm.
func norm64(x, gamma, dy []float32, rows, cols int, eps float64, centred bool) (y, dx, dgamma, dbeta []float64) {
	y, dx = make([]float64, rows*cols), make([]float64, rows*cols)
	dgamma, dbeta = make([]float64, cols), make([]float64, cols)
	for r := range rows {
		x, dy := x[r*cols:(r+1)*cols], dy[r*cols:(r+1)*cols]
		var mu, variance, c1, c2 float64
		if centred {
			for _, v := range x {
				mu += float64(v) / float64(cols)
			}
		}
		for _, v := range x {
			variance += (float64(v) - mu) * (float64(v) - mu) / float64(cols)
		}
		rs := 1 / math.Sqrt(variance+eps)
		for j, v := range x {
			xh, g := (float64(v)-mu)*rs, float64(dy[j])*float64(gamma[j])
			y[r*cols+j] = xh * float64(gamma[j])
			c1 += g / float64(cols)
			c2 += g * xh / float64(cols)
			dgamma[j] += float64(dy[j]) * xh
			dbeta[j] += float64(dy[j])
		}
		if !centred {
			c1 = 0
		}
		for j, v := range x {
			xh, g := (float64(v)-mu)*rs, float64(dy[j])*float64(gamma[j])
			dx[r*cols+j] = rs * (g - c1 - xh*c2)
		}
	}
	return y, dx, dgamma, dbeta
}

func TestNormsAgreeWithBinary64(t *testing.T) {
	const rows, cols, eps = 700, 293, 1e-5 // two chunks of rows, two blocks of columns
	n := rows * cols
	x, gamma, dy := fill(n, 1), fill(cols, 2), fill(n, 3)

	y, mean, rstd := zeros(n), zeros(rows), zeros(rows)
	dx, dgamma, dbeta := zeros(n), zeros(cols), zeros(cols)
	run(t, LayerNorm{rows, cols, eps}, floats(x...), floats(gamma...), zeros(cols), y, mean, rstd)
	run(t, LayerNormGrad{rows, cols}, floats(x...), floats(gamma...), mean, rstd, floats(dy...), dx, dgamma, dbeta)
	wy, wdx, wdgamma, wdbeta := norm64(x, gamma, dy, rows, cols, eps, true)
	near(t, "layer norm", y.F, wy, 1e-6)
	near(t, "layer norm dx", dx.F, wdx, 1e-6)
	near(t, "layer norm dgamma", dgamma.F, wdgamma, 1e-6)
	near(t, "layer norm dbeta", dbeta.F, wdbeta, 1e-6)

	run(t, RMSNorm{rows, cols, eps}, floats(x...), floats(gamma...), y, rstd)
	run(t, RMSNormGrad{rows, cols}, floats(x...), floats(gamma...), rstd, floats(dy...), dx, dgamma)
	wy, wdx, wdgamma, _ = norm64(x, gamma, dy, rows, cols, eps, false)
	near(t, "rms norm", y.F, wy, 1e-6)
	near(t, "rms norm dx", dx.F, wdx, 1e-6)
	near(t, "rms norm dgamma", dgamma.F, wdgamma, 1e-6)
}

func TestSumsOverRowsFollowTheGemmOrder(t *testing.T) {
	const rows, cols = 8192 + 600, 3
	n := rows * cols
	x, dy := fill(n, 5), fill(n, 6)
	gamma, mean, rstd := fill(cols, 7), make([]float32, rows), make([]float32, rows)
	for r := range rstd {
		rstd[r] = 1
	}
	dgamma, dbeta, want := zeros(cols), zeros(cols), zeros(cols)
	run(t, LayerNormGrad{rows, cols}, floats(x...), floats(gamma...), floats(mean...), floats(rstd...), floats(dy...), zeros(n), dgamma, dbeta)
	run(t, BiasGrad{N: rows, C: cols, P: 1}, floats(dy...), want)
	same(t, "dbeta", dbeta.F, want.F)

	terms := zeros(n)
	run(t, Mul{N: n}, floats(dy...), floats(x...), terms)
	run(t, BiasGrad{N: rows, C: cols, P: 1}, terms, want)
	same(t, "dgamma", dgamma.F, want.F)
}
