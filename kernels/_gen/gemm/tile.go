package main

import (
	"bytes"
	"fmt"
	"go/format"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set: the template is the same for both, only the width and the height differ.
type isa struct {
	name, suffix string
	lanes        int // binary32 elements in a vector
	rows         int // height of the largest tile; a tile is always two vectors wide
}

// The largest tile's accumulators, two vectors of b and one or two broadcasts of a fill the registers.
var (
	avx2   = isa{"AVX2", "avx2", 8, 6}
	avx512 = isa{"AVX512", "avx512", 16, 14}
)

// ahead is how far before its use a packed panel of b is fetched, in bytes. A panel of 512 terms and
// the rows of a together do not fit the first cache.
const ahead = 1024

// source says how a tile finds row k of b.
type source int

const (
	strided source = iota // at b + k*kb
	listed                // at b + at[k]
)

// tile writes one tile: rows x two vectors of outputs, one chain of fused multiply-adds each.
type tile struct {
	*build.Context
	isa
	rows int
	from source
}

func (t tile) symbol() string {
	return fmt.Sprintf("%sTile%d%s", []string{"Strided", "Listed"}[t.from], t.rows, t.name)
}

func (t tile) signature() string {
	place := []string{"kb int", "at *int32"}[t.from]
	return "func(kc int, a *float32, ra, ka int, b *float32, " + place + ", c *float32, rc, add int)"
}

func (t tile) doc() string {
	return fmt.Sprintf("%s is %sTile in kernels/cpu_gemm_tile.go, %d rows by %d columns.", t.symbol(), []string{"strided", "listed"}[t.from], t.rows, 2*t.lanes)
}

// vec allocates a vector register.
func (t tile) vec() reg.VecVirtual {
	if t.lanes == 16 {
		return t.ZMM()
	}
	return t.YMM()
}

// zero sets a register to +0.
func (t tile) zero(r reg.VecVirtual) {
	if t.lanes == 16 {
		t.VPXORD(r, r, r)
	} else {
		t.VXORPS(r, r, r)
	}
}

func (t tile) write() {
	t.Function(t.symbol())
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr(t.signature())
	t.Pragma("noescape")
	t.Doc(t.doc())

	size := 4 * t.lanes
	kc := t.Load(t.Param("kc"), t.GP64())
	a := t.Load(t.Param("a"), t.GP64())
	ra := t.Load(t.Param("ra"), t.GP64())
	ka := t.Load(t.Param("ka"), t.GP64())
	b := t.Load(t.Param("b"), t.GP64())
	t.SHLQ(operand.U8(2), ra)
	t.SHLQ(operand.U8(2), ka)

	// step is kb or at.
	step := t.GP64()
	if t.from == strided {
		t.Load(t.Param("kb"), step)
		t.SHLQ(operand.U8(2), step)
	} else {
		t.Load(t.Param("at"), step)
	}
	row := t.rowsOf(a, ra)
	rc := t.Load(t.Param("rc"), t.GP64())
	t.SHLQ(operand.U8(2), rc)
	c := t.GP64()

	acc := make([][2]reg.VecVirtual, t.rows)
	for r := range acc {
		acc[r] = [2]reg.VecVirtual{t.vec(), t.vec()}
		t.zero(acc[r][0])
		t.zero(acc[r][1])
	}
	b0, b1, x := t.vec(), t.vec(), t.vec()

	t.prefetch(rc, c)
	t.Label("terms")
	at := operand.Mem{Base: b}
	if t.from == listed {
		place := t.GP64()
		t.MOVL(operand.Mem{Base: step}, place.As32())
		at.Index, at.Scale = place, 4
	}
	t.VMOVUPS(at, b0)
	t.VMOVUPS(at.Offset(size), b1)
	if t.from == strided {
		for line := 0; line < 2*size; line += 64 {
			t.PREFETCHT0(operand.Mem{Base: b, Disp: ahead + line})
		}
	}
	for r := range acc {
		t.VBROADCASTSS(row[r], x)
		t.VFMADD231PS(b0, x, acc[r][0])
		t.VFMADD231PS(b1, x, acc[r][1])
	}
	t.advance(row, ka)
	if t.from == strided {
		t.ADDQ(step, b)
	} else {
		t.ADDQ(operand.U8(4), step)
	}
	t.DECQ(kc)
	t.JNZ(operand.LabelRef("terms"))

	t.Load(t.Param("c"), c)
	add := t.Load(t.Param("add"), t.GP64())
	t.TESTQ(add, add)
	t.JZ(operand.LabelRef("first"))
	t.fold(acc, c, rc, func(m operand.Mem) operand.Op { return m })
	t.Label("first")
	zero := b0
	t.zero(zero)
	t.fold(acc, c, rc, func(operand.Mem) operand.Op { return zero })
}

// prefetch asks for the lines of c while the chains are computed.
func (t tile) prefetch(rc, c reg.Register) {
	t.Load(t.Param("c"), c)
	for r := range t.rows {
		t.PREFETCHT0(operand.Mem{Base: c})
		t.PREFETCHT0(operand.Mem{Base: c, Disp: 8*t.lanes - 4})
		if r < t.rows-1 {
			t.ADDQ(rc, c)
		}
	}
}

// fold adds each chain to the sum before it and stores it.
func (t tile) fold(acc [][2]reg.VecVirtual, c, rc reg.Register, before func(operand.Mem) operand.Op) {
	for r := range acc {
		for v := range acc[r] {
			m := operand.Mem{Base: c, Disp: 4 * t.lanes * v}
			t.VADDPS(before(m), acc[r][v], acc[r][v])
			t.VMOVUPS(acc[r][v], m)
		}
		if r < len(acc)-1 {
			t.ADDQ(rc, c)
		}
	}
	t.VZEROUPPER()
	t.RET()
}

// rowsOf gives the address of each row of a with few registers: the base, and the base five rows on,
// with one, three and five row lengths as indices.
func (t tile) rowsOf(a, ra reg.Register) []operand.Mem {
	var ra3, ra5, a5 reg.Register
	if t.rows > 3 {
		r := t.GP64()
		t.LEAQ(operand.Mem{Base: ra, Index: ra, Scale: 2}, r)
		ra3 = r
	}
	if t.rows > 5 {
		r := t.GP64()
		t.LEAQ(operand.Mem{Base: ra, Index: ra, Scale: 4}, r)
		ra5 = r
	}
	if t.rows > 7 {
		r := t.GP64()
		t.LEAQ(operand.Mem{Base: a, Index: ra5, Scale: 1}, r)
		a5 = r
	}
	at := func(base, index reg.Register, scale uint8) operand.Mem {
		return operand.Mem{Base: base, Index: index, Scale: scale}
	}
	all := []operand.Mem{
		{Base: a}, at(a, ra, 1), at(a, ra, 2), at(a, ra3, 1), at(a, ra, 4), at(a, ra5, 1), at(a, ra3, 2),
		at(a5, ra, 2), at(a, ra, 8), at(a5, ra, 4), at(a, ra5, 2), at(a5, ra3, 2), at(a, ra3, 4), at(a5, ra, 8),
	}
	return all[:t.rows]
}

// advance moves to the next term of a.
func (t tile) advance(row []operand.Mem, ka reg.Register) {
	t.ADDQ(ka, row[0].Base)
	if len(row) > 7 {
		t.ADDQ(ka, row[7].Base)
	}
}

// table is the Go file that lists an instruction set's tiles by their height.
func table(i isa) ([]byte, error) {
	var w bytes.Buffer
	fmt.Fprintf(&w, "// Code generated by kernels/_gen/gemm. DO NOT EDIT.\n\npackage asm\n\n")
	fmt.Fprintf(&w, "// TileCols%s is the width of the tiles below.\nconst TileCols%[1]s = %d\n", i.name, 2*i.lanes)
	for from, name := range []string{"strided", "listed"} {
		exported := []string{"Strided", "Listed"}[from]
		fmt.Fprintf(&w, "\n// %sTiles%s are the %sTiles of kernels/cpu_gemm_tile.go, by height less one.\n", exported, i.name, name)
		fmt.Fprintf(&w, "var %sTiles%s = []%s{\n", exported, i.name, tile{from: source(from)}.signature())
		for r := 1; r <= i.rows; r++ {
			fmt.Fprintf(&w, "%s,\n", tile{isa: i, rows: r, from: source(from)}.symbol())
		}
		fmt.Fprintf(&w, "}\n")
	}
	return format.Source(w.Bytes())
}
