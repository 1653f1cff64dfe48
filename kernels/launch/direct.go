package launch

import "github.com/verifyd/verifyd/kernels"

// directs are the convolutions in groups and with taps apart, which take a thread for each output. The others are products.
func directs(op kernels.Operator) (Plan, bool) {
	profile, prefix, ok := kernelsOf(op)
	if !ok {
		return Plan{}, false
	}
	each := func(kernel string, s kernels.ConvShape, n int) (Plan, bool) {
		return one(line(prefix+kernel, parts(n, 256), 256, append([]Arg{integer(n), operand(0), operand(1), operand(2)}, direct(s)...)...))
	}
	switch o := op.(type) {
	case kernels.Conv2D:
		return each("conv2d_direct", o.ConvShape, o.N*o.O*o.OutH()*o.OutW())
	case kernels.Conv2DGradInput:
		return each("conv2d_grad_input_direct", o.ConvShape, o.N*o.C*o.H*o.W)
	case kernels.Conv2DGradWeight:
		terms, n := o.N*o.OutH()*o.OutW(), o.Operands()[2].Len
		chunks := max(1, parts(terms, profile.Chunk()))
		args := append([]Arg{integer(n), integer(terms), operand(0), operand(1), workspace(0)}, direct(o.ConvShape)...)
		sums := line(prefix+"conv2d_grad_weight_direct", parts(n, 256), 256, args...)
		sums.Grid[1] = uint32(chunks)
		return Plan{Workspace: chunks * n, Launches: []Launch{
			sums, fold(n, chunks, profile.Group()/profile.Chunk(), operand(2)),
		}}, true
	}
	return Plan{}, false
}

// dense says that a convolution is a product: one group of filters whose taps are neighbours.
func dense(s kernels.ConvShape) bool { return max(s.Groups, s.DilationH, s.DilationW) <= 1 }

// direct are the parameters DIRECT_SHAPE of conv_direct.cu.
func direct(s kernels.ConvShape) []Arg {
	var args []Arg
	for _, n := range []int{s.C, s.H, s.W, s.O, s.KH, s.KW, s.StrideH, s.StrideW, s.PadH, s.PadW, s.OutH(), s.OutW(),
		max(s.Groups, 1), max(s.DilationH, 1), max(s.DilationW, 1)} {
		args = append(args, integer(n))
	}
	return args
}
