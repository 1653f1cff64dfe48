package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes the 8x8 transposition that packs rows along K into columns.
func transpose(c *build.Context) {
	c.Function("TransposeAVX2")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(n int, src *float32, rs int, dst *float32, rd int)")
	c.Pragma("noescape")
	c.Doc("TransposeAVX2 is transpose8 in kernels/cpu_gemm_tile.go. n is a multiple of 8 and not 0.")
	n := c.Load(c.Param("n"), c.GP64())
	src := c.Load(c.Param("src"), c.GP64())
	rs := c.Load(c.Param("rs"), c.GP64())
	dst := c.Load(c.Param("dst"), c.GP64())
	rd := c.Load(c.Param("rd"), c.GP64())
	c.SHLQ(operand.U8(2), rs)
	c.SHLQ(operand.U8(2), rd)
	from, to := eight(c, src, rs), eight(c, dst, rd)

	c.Label("block")
	var x [8]reg.VecVirtual
	for r := range 4 {
		// Rows r and r+4, columns 0-3 and 4-7.
		x[r], x[r+4] = c.YMM(), c.YMM()
		low, high := from(r), from(r+4)
		c.VMOVUPS(low, x[r].AsX())
		c.VINSERTF128(operand.U8(1), high, x[r], x[r])
		c.VMOVUPS(low.Offset(16), x[r+4].AsX())
		c.VINSERTF128(operand.U8(1), high.Offset(16), x[r+4], x[r+4])
	}
	for h := range 2 {
		q := x[4*h : 4*h+4]
		var p [4]reg.VecVirtual
		for i := range p {
			p[i] = c.YMM()
		}
		c.VUNPCKLPS(q[1], q[0], p[0])
		c.VUNPCKHPS(q[1], q[0], p[1])
		c.VUNPCKLPS(q[3], q[2], p[2])
		c.VUNPCKHPS(q[3], q[2], p[3])
		for i := range 4 {
			out := c.YMM()
			if i%2 == 0 {
				c.VUNPCKLPD(p[i/2+2], p[i/2], out)
			} else {
				c.VUNPCKHPD(p[i/2+2], p[i/2], out)
			}
			c.VMOVUPS(out, to(4*h+i))
		}
	}
	c.ADDQ(operand.U8(32), src)
	c.LEAQ(operand.Mem{Base: dst, Index: rd, Scale: 8}, dst)
	c.SUBQ(operand.U8(8), n)
	c.JNZ(operand.LabelRef("block"))
	c.VZEROUPPER()
	c.RET()
}

// eight addresses rows 0 to 7 of a matrix with rows of stride bytes.
func eight(c *build.Context, base, stride reg.Register) func(int) operand.Mem {
	three, five, seven := c.GP64(), c.GP64(), c.GP64()
	c.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, three)
	c.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 4}, five)
	c.LEAQ(operand.Mem{Base: three, Index: stride, Scale: 4}, seven)
	index := [8]struct {
		reg.Register
		scale uint8
	}{1: {stride, 1}, 2: {stride, 2}, 3: {three, 1}, 4: {stride, 4}, 5: {five, 1}, 6: {three, 2}, 7: {seven, 1}}
	return func(r int) operand.Mem {
		m := operand.Mem{Base: base}
		if r > 0 {
			m.Index, m.Scale = index[r].Register, index[r].scale
		}
		return m
	}
}
