package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// copyPanels writes the copy of rows of b into panels of two vectors.
func (t tile) copyPanels() {
	t.Function("CopyPanels" + t.name)
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr("func(kc, n int, src *float32, rs int, dst *float32, step int)")
	t.Pragma("noescape")
	t.Doc("CopyPanels" + t.name + " is copyPanels in kernels/cpu_gemm_tile.go.")
	kc := t.Load(t.Param("kc"), t.GP64())
	n := t.Load(t.Param("n"), t.GP64())
	src := t.Load(t.Param("src"), t.GP64())
	rs := t.Load(t.Param("rs"), t.GP64())
	dst := t.Load(t.Param("dst"), t.GP64())
	step := t.Load(t.Param("step"), t.GP64())
	t.SHLQ(operand.U8(2), rs)
	t.SHLQ(operand.U8(2), step)
	size := 4 * t.lanes
	left, from, to := t.GP64(), t.GP64(), t.GP64()
	x0, x1 := t.vec(), t.vec()

	t.Label("row")
	t.MOVQ(n, left)
	t.MOVQ(src, from)
	t.MOVQ(dst, to)
	t.Label("panel")
	t.VMOVUPS(operand.Mem{Base: from}, x0)
	t.VMOVUPS(operand.Mem{Base: from, Disp: size}, x1)
	t.PREFETCHT0(operand.Mem{Base: from, Index: rs, Scale: 4})
	t.VMOVUPS(x0, operand.Mem{Base: to})
	t.VMOVUPS(x1, operand.Mem{Base: to, Disp: size})
	t.ADDQ(operand.U32(2*size), from)
	t.ADDQ(step, to)
	t.DECQ(left)
	t.JNZ(operand.LabelRef("panel"))
	t.ADDQ(rs, src)
	t.ADDQ(operand.U32(2*size), dst)
	t.DECQ(kc)
	t.JNZ(operand.LabelRef("row"))
	t.VZEROUPPER()
	t.RET()
}
