package optest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/kernels"
)

// channel is the vector's operator where it normalises, convolves, resamples or remembers channels; nil if it does not.
func (v Vector) channel() (op kernels.Operator, want uint64, err error) {
	shape, hash, _ := strings.Cut(v.parameters, " fnv=")
	var s []int
	for _, n := range strings.Split(strings.TrimPrefix(shape, "shape="), ",") {
		i, _ := strconv.Atoi(n)
		s = append(s, i)
	}
	s = append(s, make([]int, 14)...) // what is missing is 0, and gives another hash
	conv := func() kernels.ConvShape {
		return kernels.ConvShape{N: s[0], C: s[1], H: s[2], W: s[3], O: s[4], KH: s[5], KW: s[6], StrideH: s[7], StrideW: s[8], PadH: s[9], PadW: s[10],
			Groups: s[11], DilationH: s[12], DilationW: s[13], Profile: kernels.ProfileF32}
	}
	plane := kernels.UpsampleShape{Planes: s[0], H: s[1], W: s[2], OutH: s[3], OutW: s[4]}
	group := kernels.GroupNorm{N: s[0], C: s[1], P: s[2], Groups: s[3], Eps: normEps}
	cell := kernels.LSTMCell{Batch: s[0], Steps: s[1], Step: s[2], Hidden: s[3]}
	switch v.Operator {
	case "batch_norm":
		op = kernels.BatchNorm{N: s[0], C: s[1], P: s[2], Eps: normEps}
	case "batch_norm_grad":
		op = kernels.BatchNormGrad{N: s[0], C: s[1], P: s[2]}
	case "running_update":
		op = kernels.RunningUpdate{N: s[0], Keep: 0.9, Take: 0.1}
	case "group_norm":
		op = group
	case "group_norm_grad":
		op = gradOf(group)
	case "conv2d":
		op = kernels.Conv2D{ConvShape: conv()}
	case "conv2d_grad_input":
		op = kernels.Conv2DGradInput{ConvShape: conv()}
	case "conv2d_grad_weight":
		op = kernels.Conv2DGradWeight{ConvShape: conv()}
	case "upsample_nearest2d":
		op = kernels.UpsampleNearest{UpsampleShape: plane}
	case "upsample_nearest2d_grad":
		op = kernels.UpsampleNearestGrad{UpsampleShape: plane}
	case "upsample_bilinear2d":
		op = kernels.UpsampleBilinear{UpsampleShape: plane, AlignCorners: s[5] == 1}
	case "upsample_bilinear2d_grad":
		op = kernels.UpsampleBilinearGrad{UpsampleShape: plane, AlignCorners: s[5] == 1}
	case "lstm_cell":
		op = cell
	case "lstm_cell_grad":
		op = kernels.LSTMCellGrad(cell)
	default:
		return nil, 0, nil
	}
	want, err = strconv.ParseUint(hash, 16, 64)
	return op, want, err
}

// written checks such a vector: operand i is fill(its length, 5+2i), and the hash is over all that is written.
func (v Vector) written(op kernels.Operator, want uint64, b Backend) error {
	var bufs []kernels.Buf
	for i, o := range op.Operands() {
		bufs = append(bufs, kernels.Buf{F: fill(o.Len, uint64(5+2*i))})
	}
	if err := b.Run(op, bufs); err != nil {
		return fmt.Errorf("%v: %w", v, err)
	}
	var all []float32
	for i, o := range op.Operands() {
		if o.Access != kernels.In {
			all = append(all, bufs[i].F...)
		}
	}
	return sameHash(all, want)
}
