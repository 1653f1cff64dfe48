package program

import (
	"encoding/hex"
	"encoding/json"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Parameter is a tensor of its own that training moves, the same for each sample: a class token, a table of positions, the
// scale of a layer. Its parameter has the node's name.
type Parameter struct {
	Shape []int   `json:"shape"`
	Value float64 `json:"value"` // that each element starts at
	Std   float64 `json:"std"`   // standard deviation of a uniform start round 0, with Value 0
}

func (Parameter) Kind() string { return "parameter" }

func (o Parameter) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := free(in, o.Shape); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := finite("value", o.Value); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := nonNegative("std", o.Std); err != nil {
		return TensorSpec{}, nil, err
	}
	if o.Value != 0 && o.Std != 0 {
		return TensorSpec{}, nil, outOfRange("std", "a start at value %v has no deviation", o.Value)
	}
	start := deviation(o.Std)
	start.constant = float32(o.Value)
	return f32(o.Shape...), []param{{"", o.Shape, start}}, nil
}

func (o Parameter) forward(c *compiler, n *node) value { return everySample(c, n) }

func (o Parameter) backward(c *compiler, n *node) {
	c.emitGrads(kernels.BiasGrad{N: c.batch, C: n.Output.Len(), P: 1}, n.dy, n.grads[0])
}

// ConstantTensor is numbers that the program has, the same for each sample. They are a frozen tensor of the node's name.
type ConstantTensor struct {
	Shape  []int `json:"shape"`
	Values Bits  `json:"values"` // as many as the shape has elements, no NaN; more than maxConstant make a Parameter, frozen
}

// maxConstant is the largest number of elements in a constant.
const maxConstant = 4096

// Bits are binary32 numbers that JSON has as a text: eight lower-case hexadecimal digits for the bits of each.
type Bits []float32

// MarshalJSON writes the digits.
func (b Bits) MarshalJSON() ([]byte, error) {
	var raw []byte
	for _, v := range b {
		w := math.Float32bits(v)
		raw = append(raw, byte(w>>24), byte(w>>16), byte(w>>8), byte(w))
	}
	return json.Marshal(hex.EncodeToString(raw))
}

// UnmarshalJSON reads digits in the one spelling.
func (b *Bits) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%4 != 0 || len(raw) > 4*maxConstant || hex.EncodeToString(raw) != text {
		return outOfRange("values", "%d characters: 8 lower-case hexadecimal digits are needed for each number, of which there are at most %d", len(text), maxConstant)
	}
	for ; len(raw) > 0; raw = raw[4:] {
		*b = append(*b, math.Float32frombits(uint32(raw[0])<<24|uint32(raw[1])<<16|uint32(raw[2])<<8|uint32(raw[3])))
	}
	return nil
}

func (ConstantTensor) Kind() string { return "constant" }

func (o ConstantTensor) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := free(in, o.Shape); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("values", len(o.Values), 1, maxConstant); err != nil {
		return TensorSpec{}, nil, err
	}
	if n, err := elements(o.Shape...); err != nil || n != len(o.Values) {
		return TensorSpec{}, nil, outOfRange("values", "%d numbers for shape %v", len(o.Values), o.Shape)
	}
	for i, v := range o.Values {
		if v != v {
			return TensorSpec{}, nil, outOfRange("values", "number %d is NaN", i)
		}
	}
	return f32(o.Shape...), []param{{"", o.Shape, initial{values: o.Values}}}, nil
}

func (o ConstantTensor) forward(c *compiler, n *node) value { return everySample(c, n) }

func (ConstantTensor) backward(*compiler, *node) {}

// free refuses inputs, and a shape of too many dimensions.
func free(in []TensorSpec, shape []int) error {
	if err := arity(in, 0); err != nil {
		return err
	}
	return within("shape: dimensions", len(shape), 1, maxRank)
}

// everySample repeats a node's only tensor for each sample of a batch.
func everySample(c *compiler, n *node) value {
	if c.batch == 1 {
		return n.params[0]
	}
	k := n.Output.Len()
	y := c.temp(c.batch * k)
	op, _ := kernels.NewPermute(k, 0, []int{c.batch, k}, []int{0, 1})
	c.emit(op, n.params[0], y)
	return y
}
