package oracle

import (
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// erf is the error function as an operation of gorgonia, which has none. Its derivative is
// 2/sqrt(pi) exp(-x^2) (NIST DLMF 7.2.1).
type erf struct{}

func (erf) Arity() int { return 1 }

// Type says that the output has the type of the input.
func (erf) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(a, a)
}

func (erf) InferShape(in ...gorgonia.DimSizer) (tensor.Shape, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("erf: %d inputs, 1 needed", len(in))
	}
	s, ok := in[0].(tensor.Shape)
	if !ok {
		return nil, fmt.Errorf("erf: %T is no shape", in[0])
	}
	return s.Clone(), nil
}

func (erf) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("erf: %d inputs, 1 needed", len(in))
	}
	x, ok := in[0].(*tensor.Dense)
	if !ok {
		return nil, fmt.Errorf("erf: %T is no dense tensor", in[0])
	}
	return x.Apply(math.Erf)
}

func (erf) ReturnsPtr() bool        { return false }
func (erf) CallsExtern() bool       { return false }
func (erf) OverwritesInput() int    { return -1 }
func (erf) String() string          { return "erf" }
func (e erf) WriteHash(h hash.Hash) { fmt.Fprint(h, e) }
func (e erf) Hashcode() uint32 {
	h := fnv.New32a()
	e.WriteHash(h)
	return h.Sum32()
}

func (erf) DiffWRT(inputs int) []bool { return []bool{true} }

func (erf) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("erf: %d inputs, 1 needed", len(in))
	}
	t := &tape{graph: in[0].Graph()}
	slope := t.apply1(gorgonia.Exp, t.apply1(gorgonia.Neg, t.times(in[0], in[0])))
	d := t.times(grad, t.scale(slope, 2/math.Sqrt(math.Pi)))
	return gorgonia.Nodes{d}, t.err
}
