package program

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// MatMul is the product of the matrices in the last two dimensions of its inputs, (..., M, K) and (..., K, N), whose other dimensions
// agree. With TransA the first is (..., K, M), with TransB the second (..., N, K).
type MatMul struct {
	TransA bool `json:"trans_a"`
	TransB bool `json:"trans_b"`
}

func (MatMul) Kind() string { return "matmul" }

func (o MatMul) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := floats(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	a, b := in[0].Shape, in[1].Shape
	k := len(a) - 2
	if k < 0 || len(b) != len(a) {
		return TensorSpec{}, nil, outOfRange("inputs", "%q has %d dimensions and %q has %d, two or more of both needed, equally many", in[0].Name, len(a), in[1].Name, len(b))
	}
	if !slices.Equal(a[:k], b[:k]) {
		return TensorSpec{}, nil, outOfRange("inputs", "%q is %v and %q is %v: all dimensions but the last two must agree", in[0].Name, a, in[1].Name, b)
	}
	m, terms := turned(a[k], a[k+1], o.TransA)
	others, n := turned(b[k], b[k+1], o.TransB)
	if terms != others {
		return TensorSpec{}, nil, outOfRange("inputs", "rows of %q have %d terms, columns of %q have %d", in[0].Name, terms, in[1].Name, others)
	}
	return f32(append(slices.Clone(a[:k]), m, n)...), nil, nil
}

// turned exchanges rows and columns of a transpose.
func turned(rows, cols int, trans bool) (int, int) {
	if trans {
		return cols, rows
	}
	return rows, cols
}

// shape is the operator, and the sizes of each pair.
func (o MatMul) shape(c *compiler, n *node) kernels.Matmul {
	s := n.Output.Shape
	k := len(s) - 2
	_, terms := turned(n.shapes[0].Shape[k], n.shapes[0].Shape[k+1], o.TransA)
	return kernels.Matmul{
		Batch: c.batch * product(s[:k]),
		Each:  kernels.Gemm{M: s[k], N: s[k+1], K: terms, TransA: o.TransA, TransB: o.TransB, Profile: c.profile},
	}
}

func (o MatMul) forward(c *compiler, n *node) value {
	y := c.temp(c.elements(n))
	c.emit(o.shape(c, n), n.in[0], n.in[1], y)
	return y
}

// backward has, for a transposed factor, the transpose of its gradient: a product whose factors change places.
func (o MatMul) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	e := s.Each
	one := func(rows, cols, terms int, transA, transB bool) kernels.Matmul {
		return kernels.Matmul{Batch: s.Batch, Each: kernels.Gemm{M: rows, N: cols, K: terms, TransA: transA, TransB: transB, Profile: e.Profile}}
	}
	a, b := n.in[0], n.in[1]
	if c.wants(a) {
		da := c.temp(c.buffers[a].n)
		if o.TransA {
			c.emit(one(e.K, e.M, e.N, o.TransB, true), b, n.dy, da)
		} else {
			c.emit(one(e.M, e.K, e.N, false, !o.TransB), n.dy, b, da)
		}
		c.contribute(a, da)
	}
	if c.wants(b) {
		db := c.temp(c.buffers[b].n)
		if o.TransB {
			c.emit(one(e.N, e.K, e.M, true, o.TransA), n.dy, a, db)
		} else {
			c.emit(one(e.K, e.N, e.M, !o.TransA, false), a, n.dy, db)
		}
		c.contribute(b, db)
	}
}
