package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// ConvTranspose2D is the gradient of a Conv2D by its input, as a layer over (channels, height, width): PyTorch's
// ConvTranspose2d. Each side is (size-1)*Stride - 2*Padding + (Kernel-1)*Dilation + 1 + OutputPadding. Parameters:
// weight (channels, Out/Groups, Kernel...), bias (Out). Its operators are those of the convolution from the output to
// the input.
type ConvTranspose2D struct {
	Out           int    `json:"out"`
	Kernel        [2]int `json:"kernel"`
	Stride        [2]int `json:"stride"`
	Padding       [2]int `json:"padding"`
	OutputPadding [2]int `json:"output_padding,omitzero"` // below Stride
	Groups        int    `json:"groups,omitempty"`        // divides the channels and Out
	Dilation      [2]int `json:"dilation,omitzero"`
	Bias          bool   `json:"bias"`
}

func (ConvTranspose2D) Kind() string { return "conv_transpose2d" }

func (o ConvTranspose2D) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("out", o.Out, 1, MaxElements); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	span, err := dilated(o.Kernel, o.Dilation)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	image := []int{o.Out, 0, 0}
	for i, size := range s[1:] {
		for _, f := range []struct {
			name      string
			v, lo, hi int
		}{{"kernel", span[i], 1, maxWindow}, {"stride", o.Stride[i], 1, maxWindow}, {"padding", o.Padding[i], 0, maxWindow},
			{"output_padding", o.OutputPadding[i], 0, o.Stride[i] - 1}} {
			if err := within(fmt.Sprintf("%s[%d]", f.name, i), f.v, f.lo, f.hi); err != nil {
				return TensorSpec{}, nil, err
			}
		}
		if size > MaxElements/o.Stride[i] {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("stride[%d]", i), "the output has more than %d elements", MaxElements)
		}
		image[i+1] = (size-1)*o.Stride[i] - 2*o.Padding[i] + span[i] + o.OutputPadding[i]
		if image[i+1] < 1 {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("padding[%d]", i), "%d leaves nothing of the output", o.Padding[i])
		}
	}
	// The convolution from the output to the input must itself be one.
	if _, _, err := windows(image, span, o.Stride, o.Padding); err != nil {
		return TensorSpec{}, nil, err
	}
	if _, err := grouped(o.Groups, s[0], o.Out); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := spreadable(s[0]/max(o.Groups, 1), image, span); err != nil {
		return TensorSpec{}, nil, err
	}
	out := o.Out / max(o.Groups, 1)
	fan, err := elements(out, o.Kernel[0], o.Kernel[1]) // PyTorch takes the second dimension for the inputs
	if err != nil {
		return TensorSpec{}, nil, err
	}
	params := []param{{"weight", []int{s[0], out, o.Kernel[0], o.Kernel[1]}, kaiming(fan)}}
	if o.Bias {
		params = append(params, param{"bias", []int{o.Out}, kaiming(fan)})
	}
	return f32(image...), params, nil
}

// shape is the convolution from the node's output to its input.
func (o ConvTranspose2D) shape(c *compiler, n *node) kernels.ConvShape {
	y := n.Output.Shape
	return kernels.ConvShape{N: c.batch, C: o.Out, H: y[1], W: y[2], O: n.shapes[0].Shape[0], KH: o.Kernel[0], KW: o.Kernel[1],
		StrideH: o.Stride[0], StrideW: o.Stride[1], PadH: o.Padding[0], PadW: o.Padding[1],
		Groups: o.Groups, DilationH: o.Dilation[0], DilationW: o.Dilation[1], Profile: c.profile}
}

func (o ConvTranspose2D) forward(c *compiler, n *node) value {
	y := c.temp(c.batch * n.Output.Len())
	c.emit(kernels.Conv2DGradInput{ConvShape: o.shape(c, n)}, n.in[0], n.params[0], y)
	if !o.Bias {
		return y
	}
	return biasAdd(c, o.planes(c, n), y, n.params[1])
}

func (o ConvTranspose2D) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	c.emitGrads(kernels.Conv2DGradWeight{ConvShape: s}, n.dy, n.in[0], n.grads[0])
	if o.Bias {
		c.emitGrads(kernels.BiasGrad(o.planes(c, n)), n.dy, n.grads[1])
	}
	if c.wants(n.in[0]) {
		dx := c.temp(c.batch * n.shapes[0].Len())
		c.emit(kernels.Conv2D{ConvShape: s}, n.dy, n.params[0], dx)
		c.contribute(n.in[0], dx)
	}
}

// planes is the bias of one number for each output plane.
func (o ConvTranspose2D) planes(c *compiler, n *node) kernels.BiasAdd {
	return kernels.BiasAdd{N: c.batch, C: o.Out, P: n.Output.Shape[1] * n.Output.Shape[2]}
}
