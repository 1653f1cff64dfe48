package launch

import "github.com/verifyd/verifyd/kernels"

// pools are the pooling operators.
func pools(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.MaxPool2D:
		return one(byPixel("drn1_max_pool", o.N*o.C*o.OutH()*o.OutW(), o.PoolShape, operand(0), operand(1), operand(2)))
	case kernels.AvgPool2D:
		return one(byPixel("drn1_avg_pool", o.N*o.C*o.OutH()*o.OutW(), o.PoolShape, operand(0), operand(1), float(inverse(o.KH*o.KW))))
	case kernels.MaxPool2DGrad:
		n := o.N * o.C * o.H * o.W
		if o.OutH()*o.OutW() == 0 {
			return one(line("drn1_zero", parts(n, mapBlock), 256, integer(n), operand(2)))
		}
		planes := o.N * o.C
		strays := line("drn1_max_pool_strays", parts(planes, 4), 128,
			append([]Arg{integer(planes), operand(0), workspace(0)}, geometry(o.PoolShape)...)...)
		return Plan{Workspace: planes, Launches: []Launch{
			strays, byPixel("drn1_max_pool_grad", n, o.PoolShape, operand(0), operand(1), operand(2), workspace(0)),
		}}, true
	case kernels.AvgPool2DGrad:
		n := o.N * o.C * o.H * o.W
		if o.OutH()*o.OutW() == 0 {
			return one(line("drn1_zero", parts(n, mapBlock), 256, integer(n), operand(1)))
		}
		return one(byPixel("drn1_avg_pool_grad", n, o.PoolShape, operand(0), operand(1), float(inverse(o.KH*o.KW))))
	}
	return Plan{}, false
}

// byPixel is the launch of a kernel that has a thread for each of n elements: its arguments are n, args,
// then the geometry.
func byPixel(kernel string, n int, s kernels.PoolShape, args ...Arg) Launch {
	return line(kernel, parts(n, 256), 256, append(append([]Arg{integer(n)}, args...), geometry(s)...)...)
}

// geometry are the parameters of pool.cuh.
func geometry(s kernels.PoolShape) []Arg {
	return []Arg{
		integer(s.H), integer(s.W), integer(s.OutH()), integer(s.OutW()), integer(s.KH), integer(s.KW),
		integer(s.StrideH), integer(s.StrideW), integer(s.PadH), integer(s.PadW),
	}
}
