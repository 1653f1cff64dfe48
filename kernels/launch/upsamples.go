package launch

import "github.com/verifyd/verifyd/kernels"

// upsamples are the operators that resample planes: a thread for each element of the result.
func upsamples(op kernels.Operator) (Plan, bool) {
	each := func(kernel string, s kernels.UpsampleShape, more ...Arg) (Plan, bool) {
		if max(s.H, s.W, s.OutH, s.OutW) > kernels.MaxUpsampled {
			return Plan{}, false
		}
		n := op.Operands()[1].Len
		args := []Arg{integer(n), operand(0), operand(1), integer(s.H), integer(s.W), integer(s.OutH), integer(s.OutW)}
		return one(line(kernel, parts(n, 256), 256, append(args, more...)...))
	}
	switch o := op.(type) {
	case kernels.UpsampleNearest:
		return each("drn1_upsample_nearest", o.UpsampleShape)
	case kernels.UpsampleNearestGrad:
		return each("drn1_upsample_nearest_grad", o.UpsampleShape)
	case kernels.UpsampleBilinear:
		return each("drn1_upsample_bilinear", o.UpsampleShape, flag(o.AlignCorners))
	case kernels.UpsampleBilinearGrad:
		return each("drn1_upsample_bilinear_grad", o.UpsampleShape, flag(o.AlignCorners))
	}
	return Plan{}, false
}
