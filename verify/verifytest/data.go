package verifytest

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// Blobs is rows of so many numbers, in three noisy classes: x (samples, width), y (samples).
func Blobs(samples, width int) (*job.Dataset, error) { return classes(samples, width) }

// Images is rows of one channel of 6x6, the numbers of [Blobs]: x (samples, 1, 6, 6), y (samples).
func Images(samples int) (*job.Dataset, error) { return classes(samples, 1, 6, 6) }

func classes(samples int, row ...int) (*job.Dataset, error) {
	width := 1
	for _, n := range row {
		width *= n
	}
	x, y := make([]float32, samples*width), make([]int32, samples)
	noise := uint32(1)
	for i := range samples {
		y[i] = int32(i % 3)
		for k := range width {
			noise = noise*1664525 + 1013904223
			x[i*width+k] = float32(int32(noise)>>8)*(1.0/(1<<24)) + float32((i%3+k)%3)
		}
	}
	return job.NewDataset(
		program.TensorSpec{Name: "x", Shape: append([]int{samples}, row...)}, kernels.Buf{F: x},
		program.TensorSpec{Name: "y", Kind: kernels.I32, Shape: []int{samples}}, kernels.Buf{I: y})
}

// Text is sequences of six tokens out of eleven, each with the tokens that follow: x and y (samples, 6).
func Text(samples int) (*job.Dataset, error) {
	x, y := make([]int32, samples*6), make([]int32, samples*6)
	for i := range x {
		x[i] = int32(i * i % 11)
		y[i] = int32((i + 1) * (i + 1) % 11)
	}
	spec := program.TensorSpec{Kind: kernels.I32, Shape: []int{samples, 6}}
	return job.NewDataset(spec, kernels.Buf{I: x}, spec, kernels.Buf{I: y})
}
