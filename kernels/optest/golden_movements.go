package optest

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// movement is the vector's operator where it moves, sums along an axis or draws for rows and images; nil if it does not.
func (v Vector) movement() (op kernels.Operator, want uint64, err error) {
	var a, b, c int
	scan := func(format string, into ...any) {
		_, err = fmt.Sscanf(v.parameters, format+" fnv=%x", append(into, &want)...)
	}
	switch v.Operator {
	case "sum_axis":
		scan("outer=%d size=%d inner=%d", &a, &b, &c)
		op = kernels.SumAxis{Outer: a, Size: b, Inner: c}
	case "permute":
		scan("batch=%d rows=%d cols=%d", &a, &b, &c)
		op = strided([]int{0, 2, 1}, a, b, c)
	case "row_dropout":
		scan("rows=%d cols=%d", &a, &b)
		op = kernels.RowDropout{Rows: a, Cols: b, Threshold: 1 << 31, Scale: 2, OpID: 4}
	case "random_crop":
		scan("images=%d", &a)
		op = kernels.RandomCrop{N: a, C: 3, H: 8, W: 7, OutH: 8, OutW: 7, Pad: 2, OpID: 4}
	case "random_flip":
		scan("images=%d", &a)
		op = kernels.RandomFlip{N: a, C: 3, H: 8, W: 7, Threshold: 1 << 31, OpID: 4}
	}
	return op, want, err
}

// moved checks such a vector.
func (v Vector) moved(op kernels.Operator, want uint64, b Backend) error {
	var bufs []kernels.Buf
	for _, o := range op.Operands() {
		switch {
		case o.Kind == kernels.I32:
			bufs = append(bufs, kernels.Buf{I: []int32{1, 2, 3, 0}})
		case o.Access == kernels.In:
			bufs = append(bufs, kernels.Buf{F: fill(o.Len, 5)})
		default:
			bufs = append(bufs, kernels.Buf{F: make([]float32, o.Len)})
		}
	}
	if err := b.Run(op, bufs); err != nil {
		return err
	}
	return sameHash(bufs[len(bufs)-1].F, want)
}
