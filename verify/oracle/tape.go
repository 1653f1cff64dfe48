package oracle

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// tape builds a gorgonia graph. The first error stays and makes every later call return nil, so that
// formulas can be written as formulas.
type tape struct {
	graph *gorgonia.ExprGraph
	names int
	err   error
}

func newTape() *tape { return &tape{graph: gorgonia.NewGraph()} }

// value adds a tensor with known elements. Names are made unique: gorgonia merges nodes of one name.
func (t *tape) value(data []float64, shape ...int) *gorgonia.Node {
	if t.err != nil {
		return nil
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(data) || n == 0 {
		t.err = fmt.Errorf("%d elements do not fill shape %v", len(data), shape)
		return nil
	}
	t.names++
	// Gorgonia gives tensors with one element along both axes, and vectors, types of their own: two
	// axes or four are used throughout.
	v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(slices.Clone(data)))
	return gorgonia.NewTensor(t.graph, tensor.Float64, len(shape), gorgonia.WithShape(shape...),
		gorgonia.WithName(fmt.Sprintf("value%d", t.names)), gorgonia.WithValue(v))
}

// matrix adds a constant matrix.
func (t *tape) matrix(rows, cols int, at func(i, j int) float64) *gorgonia.Node {
	data := make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			data[i*cols+j] = at(i, j)
		}
	}
	return t.value(data, rows, cols)
}

// scalar adds a constant.
func (t *tape) scalar(v float64) *gorgonia.Node {
	if t.err != nil {
		return nil
	}
	return gorgonia.NewConstant(v)
}

type (
	unary  func(*gorgonia.Node) (*gorgonia.Node, error)
	binary func(a, b *gorgonia.Node) (*gorgonia.Node, error)
)

func (t *tape) apply1(f unary, a *gorgonia.Node) *gorgonia.Node {
	if t.err != nil {
		return nil
	}
	n, err := f(a)
	t.err = err
	return n
}

func (t *tape) apply2(f binary, a, b *gorgonia.Node) *gorgonia.Node {
	if t.err != nil {
		return nil
	}
	n, err := f(a, b)
	t.err = err
	return n
}

func (t *tape) mul(a, b *gorgonia.Node) *gorgonia.Node { return t.apply2(gorgonia.Mul, a, b) }
func (t *tape) add(a, b *gorgonia.Node) *gorgonia.Node {
	return t.apply2(gorgonia.Add, t.apart(a), t.apart(b))
}
func (t *tape) sub(a, b *gorgonia.Node) *gorgonia.Node {
	return t.apply2(gorgonia.Sub, t.apart(a), t.apart(b))
}
func (t *tape) times(a, b *gorgonia.Node) *gorgonia.Node {
	return t.apply2(gorgonia.HadamardProd, a, b)
}
func (t *tape) over(a, b *gorgonia.Node) *gorgonia.Node {
	return t.apply2(gorgonia.HadamardDiv, a, b)
}

// scale multiplies every element by s.
func (t *tape) scale(a *gorgonia.Node, s float64) *gorgonia.Node { return t.times(a, t.scalar(s)) }

// shift adds s to every element.
func (t *tape) shift(a *gorgonia.Node, s float64) *gorgonia.Node {
	return t.apply2(gorgonia.Add, t.apart(a), t.scalar(s))
}

func (t *tape) reshape(a *gorgonia.Node, shape ...int) *gorgonia.Node {
	return t.apply1(func(n *gorgonia.Node) (*gorgonia.Node, error) {
		return gorgonia.Reshape(n, tensor.Shape(shape))
	}, a)
}

func (t *tape) transpose(a *gorgonia.Node) *gorgonia.Node {
	return t.apply1(func(n *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Transpose(n, 1, 0) }, a)
}

// total is the sum of all elements, a scalar.
func (t *tape) total(a *gorgonia.Node) *gorgonia.Node {
	return t.apply1(func(n *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Sum(n) }, a)
}

// rowMeans replaces each element of a matrix by the mean of its row: a product with a constant matrix.
func (t *tape) rowMeans(a *gorgonia.Node, cols int) *gorgonia.Node {
	return t.mul(a, t.matrix(cols, cols, func(int, int) float64 { return 1 / float64(cols) }))
}

// rowSums replaces each element of a matrix by the sum of its row.
func (t *tape) rowSums(a *gorgonia.Node, cols int) *gorgonia.Node {
	return t.mul(a, t.matrix(cols, cols, func(int, int) float64 { return 1 }))
}

// spread repeats a row of cols elements rows times.
func (t *tape) spread(row *gorgonia.Node, rows, cols int) *gorgonia.Node {
	return t.mul(t.matrix(rows, 1, func(int, int) float64 { return 1 }), t.reshape(row, 1, cols))
}

// run evaluates cost, a scalar, and its derivatives with respect to the nodes.
func (t *tape) run(cost *gorgonia.Node, nodes gorgonia.Nodes) (float64, [][]float64, error) {
	if t.err != nil {
		return 0, nil, t.err
	}
	var derivatives gorgonia.Nodes
	if len(nodes) > 0 {
		var err error
		if derivatives, err = gorgonia.Grad(cost, nodes...); err != nil {
			return 0, nil, err
		}
	}
	machine := gorgonia.NewTapeMachine(t.graph)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		return 0, nil, err
	}
	value, ok := cost.Value().Data().(float64)
	if !ok {
		return 0, nil, fmt.Errorf("cost is %T, no number", cost.Value().Data())
	}
	grads := make([][]float64, len(derivatives))
	for i, d := range derivatives {
		switch data := d.Value().Data().(type) {
		case []float64:
			grads[i] = slices.Clone(data)
		case float64:
			grads[i] = []float64{data}
		default:
			return 0, nil, fmt.Errorf("derivative is %T, no numbers", data)
		}
	}
	return value, grads, nil
}
