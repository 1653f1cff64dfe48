package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthTaps are how many taps the loops of the weights' gradient take at once: as many as fit the registers, and what
// divides the taps of usual filters.
var depthTaps = []int{1, 3, 5, 7}

// depthPixels is how many outputs the loop of the layer computes at once, enough to hide the latency of its chains.
const depthPixels = 4

// depth writes the loops of convolutions with one channel a group: 16 channels side by side, two vectors.
func depth(c *build.Context) {
	depthRow(c)
	for _, taps := range depthTaps {
		depthSums(c, taps)
	}
}

// pair is a vector of 16 channels.
type pair [2]reg.VecVirtual

func newPair(c *build.Context) pair { return pair{c.YMM(), c.YMM()} }

func (p pair) zero(c *build.Context) {
	for _, v := range p {
		c.VXORPS(v, v, v)
	}
}

func (p pair) load(c *build.Context, m operand.Mem) {
	for i, v := range p {
		c.VMOVUPS(m.Offset(32*i), v)
	}
}

func (p pair) store(c *build.Context, m operand.Mem) {
	for i, v := range p {
		c.VMOVUPS(v, m.Offset(32*i))
	}
}

// fma adds a times what lies at m.
func (p pair) fma(c *build.Context, a pair, m operand.Mem) {
	for i, v := range p {
		c.VFMADD231PS(m.Offset(32*i), a[i], v)
	}
}

func depthRow(c *build.Context) {
	c.Function("DepthRowAVX2")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(n, taps int, w, x *float32, at *int32, step int, y *float32)")
	c.Pragma("noescape")
	c.Doc("DepthRowAVX2 is depthRow in kernels/cpu_conv_depth.go.")
	n := c.Load(c.Param("n"), c.GP64())
	x := c.Load(c.Param("x"), c.GP64())
	step := c.Load(c.Param("step"), c.GP64())
	y := c.Load(c.Param("y"), c.GP64())
	c.SHLQ(operand.U8(2), step)
	left, w, at, place, third := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	weight := newPair(c)

	// outputs computes so many neighbours and moves on.
	outputs := func(pixels int) {
		label := fmt.Sprintf("taps%d", pixels)
		acc := make([]pair, pixels)
		for i := range acc {
			acc[i] = newPair(c)
			acc[i].zero(c)
		}
		c.Load(c.Param("taps"), left)
		c.Load(c.Param("w"), w)
		c.Load(c.Param("at"), at)
		c.Label(label)
		weight.load(c, operand.Mem{Base: w})
		c.MOVLQSX(operand.Mem{Base: at}, place)
		c.LEAQ(operand.Mem{Base: x, Index: place, Scale: 4}, place)
		if pixels > 2 {
			c.LEAQ(operand.Mem{Base: place, Index: step, Scale: 2}, third)
		}
		for i := range acc {
			m := operand.Mem{Base: place}
			if i > 1 {
				m.Base = third
			}
			if i%2 == 1 {
				m.Index, m.Scale = step, 1
			}
			acc[i].fma(c, weight, m)
		}
		c.ADDQ(operand.U8(64), w)
		c.ADDQ(operand.U8(4), at)
		c.DECQ(left)
		c.JNZ(operand.LabelRef(label))
		weight.zero(c)
		for i := range acc {
			for v := range acc[i] { // the sum of the chunks begins at +0
				c.VADDPS(weight[v], acc[i][v], acc[i][v])
			}
			acc[i].store(c, operand.Mem{Base: y, Disp: 64 * i})
			c.ADDQ(step, x)
		}
		c.ADDQ(operand.U32(uint32(64*pixels)), y)
	}

	c.Label("many")
	c.CMPQ(n, operand.U8(depthPixels))
	c.JL(operand.LabelRef("few"))
	outputs(depthPixels)
	c.SUBQ(operand.U8(depthPixels), n)
	c.JMP(operand.LabelRef("many"))
	c.Label("few")
	c.TESTQ(n, n)
	c.JZ(operand.LabelRef("done"))
	outputs(1)
	c.DECQ(n)
	c.JMP(operand.LabelRef("few"))
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

func depthSums(c *build.Context, taps int) {
	name := fmt.Sprintf("DepthSums%dAVX2", taps)
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(n int, dy, x *float32, at *int32, step int, sums *float32)")
	c.Pragma("noescape")
	c.Doc(fmt.Sprintf("%s is depthSums in kernels/cpu_conv_depth.go for %d taps.", name, taps))
	n := c.Load(c.Param("n"), c.GP64())
	dy := c.Load(c.Param("dy"), c.GP64())
	x := c.Load(c.Param("x"), c.GP64())
	at := c.Load(c.Param("at"), c.GP64())
	step := c.Load(c.Param("step"), c.GP64())
	sums := c.Load(c.Param("sums"), c.GP64())
	c.SHLQ(operand.U8(2), step)
	acc, places := make([]pair, taps), make([]reg.GPVirtual, taps)
	for t := range acc {
		acc[t], places[t] = newPair(c), c.GP64()
		acc[t].load(c, operand.Mem{Base: sums, Disp: 64 * t})
		c.MOVLQSX(operand.Mem{Base: at, Disp: 4 * t}, places[t])
	}
	gradient := newPair(c)
	c.Label("terms")
	gradient.load(c, operand.Mem{Base: dy})
	for t := range acc {
		acc[t].fma(c, gradient, operand.Mem{Base: x, Index: places[t], Scale: 4})
	}
	c.ADDQ(operand.U8(64), dy)
	c.ADDQ(step, x)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("terms"))
	for t := range acc {
		acc[t].store(c, operand.Mem{Base: sums, Disp: 64 * t})
	}
	c.VZEROUPPER()
	c.RET()
}
