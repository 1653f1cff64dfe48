package oracle

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// operation is an operation of our own in a gorgonia graph: one input, one output of the same type and shape.
// Two operations of one name on one input are one node to gorgonia.
type operation struct {
	name string
	do   func(x *tensor.Dense) (tensor.Tensor, error)
	diff func(t *tape, x, grad *gorgonia.Node) *gorgonia.Node // derivative by x, given that by the output
}

// own applies an operation.
func (t *tape) own(o operation, x *gorgonia.Node) *gorgonia.Node {
	return t.apply1(func(n *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.ApplyOp(o, n) }, x)
}

// apart is x in memory of its own, forward and backward. Gorgonia gives both inputs of a sum one and the same
// node as their derivative, and then adds further derivatives to one of them in place, which the other sees.
func (t *tape) apart(x *gorgonia.Node) *gorgonia.Node {
	t.names++
	copies := func(x *tensor.Dense) (tensor.Tensor, error) { return x.Clone().(*tensor.Dense), nil }
	back := operation{name: fmt.Sprintf("copy%d'", t.names), do: copies}
	return t.own(operation{
		name: fmt.Sprintf("copy%d", t.names),
		do:   copies,
		diff: func(t *tape, _, grad *gorgonia.Node) *gorgonia.Node { return t.own(back, grad) },
	}, x)
}

func (o operation) Arity() int { return 1 }

// Type says that the output has the type of the input.
func (o operation) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(a, a)
}

func (o operation) InferShape(in ...gorgonia.DimSizer) (tensor.Shape, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("%s: %d inputs, 1 needed", o, len(in))
	}
	s, ok := in[0].(tensor.Shape)
	if !ok {
		return nil, fmt.Errorf("%s: %T is no shape", o, in[0])
	}
	return s.Clone(), nil
}

func (o operation) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("%s: %d inputs, 1 needed", o, len(in))
	}
	x, ok := in[0].(*tensor.Dense)
	if !ok {
		return nil, fmt.Errorf("%s: %T is no dense tensor", o, in[0])
	}
	return o.do(x)
}

func (o operation) ReturnsPtr() bool      { return false }
func (o operation) CallsExtern() bool     { return false }
func (o operation) OverwritesInput() int  { return -1 }
func (o operation) String() string        { return o.name }
func (o operation) WriteHash(h hash.Hash) { fmt.Fprint(h, o.name) }
func (o operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o operation) DiffWRT(int) []bool { return []bool{o.diff != nil} }

func (o operation) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if len(in) != 1 || o.diff == nil {
		return nil, fmt.Errorf("%s: no derivative by %d inputs", o, len(in))
	}
	t := &tape{graph: in[0].Graph()}
	d := o.diff(t, in[0], grad)
	return gorgonia.Nodes{d}, t.err
}
