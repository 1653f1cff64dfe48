package program

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Reshape gives the elements of a sample other dimensions, in the same order. It moves nothing.
type Reshape struct {
	Shape []int `json:"shape"`
}

func (Reshape) Kind() string { return "reshape" }

func (o Reshape) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("shape: dimensions", len(o.Shape), 1, maxRank); err != nil {
		return TensorSpec{}, nil, err
	}
	n, err := elements(o.Shape...)
	if err != nil {
		return TensorSpec{}, nil, err
	}
	if n != in[0].Len() {
		return TensorSpec{}, nil, outOfRange("shape", "%v has %d elements, input %q has %d", o.Shape, n, in[0].Name, in[0].Len())
	}
	return f32(o.Shape...), nil, nil
}

func (Reshape) forward(_ *compiler, n *node) value { return n.in[0] }

// backward has nothing to do: output and input are one value and share its gradient.
func (Reshape) backward(*compiler, *node) {}

// Transpose puts the axes of a sample in another order: axis i of the output is axis Perm[i] of the input.
type Transpose struct {
	Perm []int `json:"perm"`
}

func (Transpose) Kind() string { return "transpose" }

func (o Transpose) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if len(o.Perm) != len(s) {
		return TensorSpec{}, nil, outOfRange("perm", "%d axes given, input %q has %d", len(o.Perm), in[0].Name, len(s))
	}
	out, seen := make([]int, len(s)), make([]bool, len(s))
	for i, a := range o.Perm {
		if err := within(fmt.Sprintf("perm[%d]", i), a, 0, len(s)-1); err != nil {
			return TensorSpec{}, nil, err
		}
		if seen[a] {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("perm[%d]", i), "axis %d is given twice", a)
		}
		out[i], seen[a] = s[a], true
	}
	if err := movable("perm", in[0], out, o.strides(s)); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(out...), nil, nil
}

// strides are those of the output's axes in an input of shape s.
func (o Transpose) strides(s []int) []int {
	dense := strides(s)
	all := make([]int, len(s))
	for i, a := range o.Perm {
		all[i] = dense[a]
	}
	return all
}

func (o Transpose) forward(c *compiler, n *node) value {
	return c.move(n.in[0], 0, n.Output.Shape, o.strides(n.shapes[0].Shape))
}

func (o Transpose) backward(c *compiler, n *node) {
	if n.out == n.in[0] {
		return // one value, one gradient
	}
	back := make([]int, len(o.Perm))
	for i, a := range o.Perm {
		back[a] = i
	}
	c.contribute(n.in[0], c.move(n.dy, 0, n.shapes[0].Shape, Transpose{back}.strides(n.Output.Shape)))
}

// Expand repeats a sample along axes of one element until it has Shape.
type Expand struct {
	Shape []int `json:"shape"`
}

func (Expand) Kind() string { return "expand" }

func (o Expand) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 1); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if len(o.Shape) != len(s) {
		return TensorSpec{}, nil, outOfRange("shape", "%d dimensions given, input %q has %d", len(o.Shape), in[0].Name, len(s))
	}
	if _, err := elements(o.Shape...); err != nil {
		return TensorSpec{}, nil, err
	}
	for i, n := range o.Shape {
		if n != s[i] && s[i] != 1 {
			return TensorSpec{}, nil, outOfRange(fmt.Sprintf("shape[%d]", i), "%d elements cannot become %d", s[i], n)
		}
	}
	if err := movable("shape", in[0], o.Shape, repeats(s, o.Shape)); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(o.Shape...), nil, nil
}

func (o Expand) forward(c *compiler, n *node) value {
	return c.expand(n.in[0], n.shapes[0].Shape, o.Shape)
}

func (o Expand) backward(c *compiler, n *node) {
	if n.out != n.in[0] && c.wants(n.in[0]) {
		c.contribute(n.in[0], c.collapse(n.dy, o.Shape, n.shapes[0].Shape))
	}
}

// strides are those of a dense tensor.
func strides(shape []int) []int {
	all, n := make([]int, len(shape)), 1
	for i, d := range slices.Backward(shape) {
		all[i] = n
		n *= d
	}
	return all
}

// repeats are the strides of a tensor of shape from that is repeated to shape to.
func repeats(from, to []int) []int {
	all := strides(from)
	for i, n := range from {
		if n == 1 && to[i] != 1 {
			all[i] = 0
		}
	}
	return all
}

// movable refuses a movement of more axes than the operator has, whatever the batch.
func movable(field string, in TensorSpec, sizes, steps []int) error {
	if _, ok := moved(2, in.Len(), 0, sizes, steps); !ok {
		return outOfRange(field, "more than %d groups of axes part, the batch among them", kernels.PermuteAxes)
	}
	return nil
}

// moved is the operator that takes a batch of samples of so many elements apart.
func moved(batch, sample, offset int, sizes, steps []int) (kernels.Permute, bool) {
	return kernels.NewPermute(batch*sample, offset, append([]int{batch}, sizes...), append([]int{sample}, steps...))
}

// move is x with the elements of each sample that sizes, steps and an offset in the sample name: x itself where that is all of
// them in their order.
func (c *compiler) move(x value, offset int, sizes, steps []int) value {
	o, _ := moved(c.batch, c.buffers[x].n/c.batch, offset, sizes, steps)
	if o.Identity() {
		return x
	}
	y := c.temp(c.batch * product(sizes))
	c.emit(o, x, y)
	return y
}

// expand repeats x, whose samples have shape from, to shape to.
func (c *compiler) expand(x value, from, to []int) value { return c.move(x, 0, to, repeats(from, to)) }

// collapse sums the axes along which a tensor of shape to was repeated, and gives x shape to: kernels/contract.md section 2.5.
func (c *compiler) collapse(x value, shape, to []int) value {
	over := make([]bool, len(shape))
	for i, n := range shape {
		over[i] = n != to[i]
	}
	return c.sum(x, shape, over)
}

// sum adds up the axes over of samples of a shape, each run of neighbours at once, the outermost first.
func (c *compiler) sum(x value, shape []int, over []bool) value {
	sizes, summed := []int{c.batch}, []bool{false} // runs
	for i, n := range shape {
		switch k := len(sizes) - 1; {
		case n == 1:
		case summed[k] == over[i]:
			sizes[k] *= n
		default:
			sizes, summed = append(sizes, n), append(summed, over[i])
		}
	}
	for i := range sizes {
		if summed[i] {
			o := kernels.SumAxis{Outer: 1, Size: sizes[i], Inner: product(sizes[i+1:])}
			for k, n := range sizes[:i] {
				if !summed[k] {
					o.Outer *= n
				}
			}
			y := c.temp(o.Outer * o.Inner)
			c.emit(o, x, y)
			x = y
		}
	}
	return x
}
