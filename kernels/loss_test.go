package kernels

import (
	"math"
	"testing"
)

func TestCrossEntropyAgreesWithBinary64(t *testing.T) {
	const rows, classes, scale = 40, 1000, 0.25
	x := fill(rows*classes, 11)
	labels := make([]int32, rows)
	wantLosses, wantGrad := make([]float64, rows), make([]float64, rows*classes)
	var wantLoss float64
	for r := range rows {
		labels[r] = int32(r * 23 % classes)
		row := x[r*classes : (r+1)*classes]
		var sum float64
		for j := range row {
			row[j] *= 8
			sum += math.Exp(float64(row[j]))
		}
		wantLosses[r] = math.Log(sum) - float64(row[labels[r]])
		wantLoss += wantLosses[r] / rows
		for j, v := range row {
			wantGrad[r*classes+j] = math.Exp(float64(v)) / sum * scale
		}
		wantGrad[r*classes+int(labels[r])] -= scale
	}
	losses, loss, top, sum, dx := zeros(rows), zeros(1), zeros(rows), zeros(rows), zeros(rows*classes)
	run(t, CrossEntropy{rows, classes}, floats(x...), ints(labels...), losses, loss, top, sum)
	run(t, CrossEntropyGrad{rows, classes, scale}, floats(x...), ints(labels...), top, sum, dx)
	near(t, "losses", losses.F, wantLosses, 1e-6)
	near(t, "loss", loss.F, []float64{wantLoss}, 1e-6)
	near(t, "dlogits", dx.F, wantGrad, 1e-6)

	inPlace := floats(append([]float32(nil), x...)...)
	run(t, CrossEntropyGrad{rows, classes, scale}, inPlace, ints(labels...), top, sum, inPlace)
	same(t, "dlogits in place", inPlace.F, dx.F)
}

func TestCrossEntropyIgnoresForeignLabels(t *testing.T) {
	x := floats(1, 2, 3, 4)
	losses, loss, top, sum, dx := zeros(2), zeros(1), zeros(2), zeros(2), floats(9, 9, 9, 9)
	run(t, CrossEntropy{2, 2}, x, ints(-100, 2), losses, loss, top, sum)
	run(t, CrossEntropyGrad{2, 2, 1}, x, ints(-100, 2), top, sum, dx)
	same(t, "losses", losses.F, []float32{0, 0})
	same(t, "dlogits", dx.F, []float32{0, 0, 0, 0})
}

func TestMaskedCrossEntropyAgreesWithBinary64(t *testing.T) {
	const rows, classes, ignore, scale = 40, 1000, 7, 0.25
	for _, smoothing := range []float64{0, 0.125} {
		x := fill(rows*classes, 11)
		labels := make([]int32, rows)
		wantLosses, wantGrad := make([]float64, rows), make([]float64, rows*classes)
		wantLoss, counts := 0.0, 0.0
		for r := range rows {
			if labels[r] = int32(r * 23 % classes); r%3 == 1 {
				labels[r] = []int32{-100, ignore, classes}[r%9/3]
				continue
			}
			counts++
		}
		for r := range rows {
			if r%3 == 1 {
				continue
			}
			row := x[r*classes : (r+1)*classes]
			var sum, mean float64
			for _, v := range row {
				sum += math.Exp(float64(v))
				mean += float64(v) / classes
			}
			wantLosses[r] = math.Log(sum) - (1-smoothing)*float64(row[labels[r]]) - smoothing*mean
			wantLoss += wantLosses[r] / counts
			for j, v := range row {
				wantGrad[r*classes+j] = (math.Exp(float64(v))/sum - smoothing/classes) * scale / counts
			}
			wantGrad[r*classes+int(labels[r])] -= (1 - smoothing) * scale / counts
		}
		losses, counted, loss, share, top, sum, dx := zeros(rows), zeros(rows), zeros(1), zeros(1), zeros(rows), zeros(rows), zeros(rows*classes)
		run(t, MaskedCrossEntropy{rows, classes, ignore, float32(smoothing)}, floats(x...), ints(labels...), losses, counted, loss, share, top, sum)
		run(t, MaskedCrossEntropyGrad{rows, classes, ignore, float32(smoothing), scale}, floats(x...), ints(labels...), share, top, sum, dx)
		near(t, "losses", losses.F, wantLosses, 1e-6)
		near(t, "loss", loss.F, []float64{wantLoss}, 1e-6)
		near(t, "dlogits", dx.F, wantGrad, 1e-6)

		inPlace := floats(append([]float32(nil), x...)...)
		run(t, MaskedCrossEntropyGrad{rows, classes, ignore, float32(smoothing), scale}, inPlace, ints(labels...), share, top, sum, inPlace)
		same(t, "dlogits in place", inPlace.F, dx.F)
	}
}

func TestOfNoRowThatCountsLossAndGradientAreZero(t *testing.T) {
	x := floats(1, 2, 3, 4)
	losses, counted, loss, share, top, sum, dx := zeros(2), zeros(2), floats(9), floats(9), zeros(2), zeros(2), floats(9, 9, 9, 9)
	run(t, MaskedCrossEntropy{2, 2, 1, 0.5}, x, ints(1, 2), losses, counted, loss, share, top, sum)
	run(t, MaskedCrossEntropyGrad{2, 2, 1, 0.5, 1}, x, ints(1, 2), share, top, sum, dx)
	same(t, "loss", loss.F, []float32{0})
	same(t, "dlogits", dx.F, []float32{0, 0, 0, 0})
}

func TestBCEAgreesWithBinary64(t *testing.T) {
	const n = 70000
	x, target := fill(n, 12), fill(n, 13)
	want, wantGrad := 0.0, make([]float64, n)
	for i := range x {
		x[i] *= 20
		target[i] = (target[i] + 1) / 2
		v, u := float64(x[i]), float64(target[i])
		want += (max(v, 0) - v*u + math.Log1p(math.Exp(-math.Abs(v)))) / n
		wantGrad[i] = 2 * (1/(1+math.Exp(-v)) - u)
	}
	loss, dx := zeros(1), zeros(n)
	run(t, BCE{n}, floats(x...), floats(target...), loss)
	run(t, BCEGrad{n, 2}, floats(x...), floats(target...), dx)
	near(t, "loss", loss.F, []float64{want}, 1e-6)
	near(t, "dx", dx.F, wantGrad, 1e-6)
}

func TestMSEAgreesWithBinary64(t *testing.T) {
	const n = 70000
	x, target := fill(n, 12), fill(n, 13)
	want, wantGrad := 0.0, make([]float64, n)
	for i := range x {
		d := float64(x[i]) - float64(target[i])
		want += d * d / n
		wantGrad[i] = 2 * d
	}
	loss, dx := zeros(1), zeros(n)
	run(t, MSE{n}, floats(x...), floats(target...), loss)
	run(t, MSEGrad{n, 2}, floats(x...), floats(target...), dx)
	near(t, "loss", loss.F, []float64{want}, 1e-6)
	near(t, "dx", dx.F, wantGrad, 1e-6)
}

func TestSoftmaxAgreesWithBinary64(t *testing.T) {
	const rows, cols = 3, 70000 // more than one R128 block
	x, dy := fill(rows*cols, 14), fill(rows*cols, 15)
	want, wantGrad := make([]float64, len(x)), make([]float64, len(x))
	for r := range rows {
		var sum, dot float64
		for j := r * cols; j < (r+1)*cols; j++ {
			x[j] *= 10
			want[j] = math.Exp(float64(x[j]))
			sum += want[j]
		}
		for j := r * cols; j < (r+1)*cols; j++ {
			want[j] /= sum
			dot += want[j] * float64(dy[j])
		}
		for j := r * cols; j < (r+1)*cols; j++ {
			wantGrad[j] = want[j] * (float64(dy[j]) - dot)
		}
	}
	y, dx := zeros(len(x)), zeros(len(x))
	run(t, Softmax{rows, cols}, floats(x...), y)
	run(t, SoftmaxGrad{rows, cols}, y, floats(dy...), dx)
	near(t, "y", y.F, want, 2e-6)
	near(t, "dx", dx.F, wantGrad, 2e-6)
}
