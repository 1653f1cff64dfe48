package program

import (
	"encoding/json"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Upsample2D resamples (channels, height, width) to another size, as PyTorch's interpolate.
type Upsample2D struct {
	Size         [2]int       `json:"size"` // height and width of the output
	Mode         UpsampleMode `json:"mode"`
	AlignCorners bool         `json:"align_corners"` // bilinear only: the corners of both images are the same points
}

// UpsampleMode says what an output is made of.
type UpsampleMode string

// An output is the nearest input, or the mean of the four around it.
const (
	Nearest  UpsampleMode = "nearest"
	Bilinear UpsampleMode = "bilinear"
)

// UnmarshalJSON reads a mode.
func (m *UpsampleMode) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil || s != string(Nearest) && s != string(Bilinear) {
		return outOfRange("mode", "%.64s is neither \"nearest\" nor \"bilinear\"", data)
	}
	*m = UpsampleMode(s)
	return nil
}

func (Upsample2D) Kind() string { return "upsample2d" }

func (o Upsample2D) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 3); err != nil {
		return TensorSpec{}, nil, err
	}
	if o.Mode != Nearest && o.Mode != Bilinear {
		return TensorSpec{}, nil, outOfRange("mode", "%.64q is neither nearest nor bilinear", o.Mode)
	}
	if o.AlignCorners && o.Mode == Nearest {
		return TensorSpec{}, nil, outOfRange("align_corners", "only bilinear can")
	}
	s := in[0].Shape
	for i := range 2 {
		if err := within(fmt.Sprintf("size[%d]", i), o.Size[i], 1, kernels.MaxUpsampled); err != nil {
			return TensorSpec{}, nil, err
		}
		if s[i+1] > kernels.MaxUpsampled {
			return TensorSpec{}, nil, outOfRange("", "a side of the input is %d, at most %d can be resampled", s[i+1], kernels.MaxUpsampled)
		}
	}
	return f32(s[0], o.Size[0], o.Size[1]), nil, nil
}

func (o Upsample2D) shape(c *compiler, n *node) kernels.UpsampleShape {
	s := n.shapes[0].Shape
	return kernels.UpsampleShape{Planes: c.batch * s[0], H: s[1], W: s[2], OutH: o.Size[0], OutW: o.Size[1]}
}

func (o Upsample2D) forward(c *compiler, n *node) value {
	y := c.temp(c.batch * n.Output.Len())
	if s := o.shape(c, n); o.Mode == Nearest {
		c.emit(kernels.UpsampleNearest{UpsampleShape: s}, n.in[0], y)
	} else {
		c.emit(kernels.UpsampleBilinear{UpsampleShape: s, AlignCorners: o.AlignCorners}, n.in[0], y)
	}
	return y
}

func (o Upsample2D) backward(c *compiler, n *node) {
	if !c.wants(n.in[0]) {
		return
	}
	dx := c.temp(c.batch * n.shapes[0].Len())
	if s := o.shape(c, n); o.Mode == Nearest {
		c.emit(kernels.UpsampleNearestGrad{UpsampleShape: s}, n.dy, dx)
	} else {
		c.emit(kernels.UpsampleBilinearGrad{UpsampleShape: s, AlignCorners: o.AlignCorners}, n.dy, dx)
	}
	c.contribute(n.in[0], dx)
}
