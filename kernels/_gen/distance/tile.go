package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set: the template is the same for all, only the width, the height and the step
// differ.
type isa struct {
	name, suffix string
	lanes        int  // words in a vector
	rows         int  // height of the largest tile; a tile is always two vectors wide
	dot          bool // VPDPWSSD multiplies and adds in one instruction
}

// The largest tile's accumulators, two vectors of b, the broadcast word of a and a product fill the
// registers of AVX2; the others leave a few free.
var (
	avx2   = isa{"AVX2", "avx2", 8, 4, false}
	avx512 = isa{"AVX512", "avx512", 16, 12, false}
	vnni   = isa{"VNNI", "vnni", 16, 12, true}
)

// tile writes one tile: rows x two vectors of outputs.
type tile struct {
	*build.Context
	isa
	rows int
}

// signature is the type of every tile.
const signature = "func(w int, a *int32, ra int, b, na, nb, c *int32, rc int)"

func (t tile) symbol() string { return fmt.Sprintf("DistanceTile%d%s", t.rows, t.name) }

// vec allocates a vector register.
func (t tile) vec() reg.VecVirtual {
	if t.lanes == 16 {
		return t.ZMM()
	}
	return t.YMM()
}

func (t tile) zero(r reg.VecVirtual) {
	if t.lanes == 16 {
		t.VPXORD(r, r, r)
	} else {
		t.VPXOR(r, r, r)
	}
}

func (t tile) write() {
	t.Function(t.symbol())
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr(signature)
	t.Pragma("noescape")
	t.Doc(fmt.Sprintf("%s is distanceTile in kernels/cpu_sq_distance_tile.go, %d rows by %d columns.", t.symbol(), t.rows, 2*t.lanes))

	size := 4 * t.lanes
	w := t.Load(t.Param("w"), t.GP64())
	a := t.Load(t.Param("a"), t.GP64())
	ra := t.Load(t.Param("ra"), t.GP64())
	b := t.Load(t.Param("b"), t.GP64())
	t.SHLQ(operand.U8(2), ra)
	row := t.rowsOf(a, ra)

	acc := make([][2]reg.VecVirtual, t.rows)
	for r := range acc {
		acc[r] = [2]reg.VecVirtual{t.vec(), t.vec()}
		t.zero(acc[r][0])
		t.zero(acc[r][1])
	}
	var from [2]reg.VecVirtual
	from[0], from[1] = t.vec(), t.vec()
	x, product := t.vec(), t.vec()

	t.Label("words")
	for v := range from {
		t.VMOVUPS(operand.Mem{Base: b, Disp: v * size}, from[v])
		t.PREFETCHT0(operand.Mem{Base: b, Disp: ahead + v*size})
	}
	for r := range acc {
		t.VPBROADCASTD(row[r], x)
		for v := range from {
			if t.dot {
				t.VPDPWSSD(from[v], x, acc[r][v])
				continue
			}
			t.VPMADDWD(from[v], x, product)
			t.VPADDD(product, acc[r][v], acc[r][v])
		}
	}
	t.ADDQ(operand.U8(4), a)
	if len(row) > 6 {
		t.ADDQ(operand.U8(4), row[6].Base)
	}
	t.ADDQ(operand.U32(2*size), b)
	t.DECQ(w)
	t.JNZ(operand.LabelRef("words"))

	t.finish(acc, from, x)
}

// ahead is how far before its use a panel of b is fetched, in bytes.
const ahead = 1024

// finish turns the products into distances and stores them.
func (t tile) finish(acc [][2]reg.VecVirtual, nb [2]reg.VecVirtual, x reg.VecVirtual) {
	size := 4 * t.lanes
	na := t.Load(t.Param("na"), t.GP64())
	n := t.Load(t.Param("nb"), t.GP64())
	c := t.Load(t.Param("c"), t.GP64())
	rc := t.Load(t.Param("rc"), t.GP64())
	t.SHLQ(operand.U8(2), rc)
	for v := range nb {
		t.VMOVUPS(operand.Mem{Base: n, Disp: v * size}, nb[v])
	}
	for r := range acc {
		t.VPBROADCASTD(operand.Mem{Base: na, Disp: 4 * r}, x)
		for v, sum := range acc[r] {
			t.VPADDD(sum, sum, sum)
			t.VPSUBD(sum, nb[v], sum)
			t.VPADDD(x, sum, sum)
			t.VMOVUPS(sum, operand.Mem{Base: c, Disp: v * size})
		}
		if r < len(acc)-1 {
			t.ADDQ(rc, c)
		}
	}
	t.VZEROUPPER()
	t.RET()
}

// rowsOf gives the address of each row of a with few registers: the base, and the base six rows on,
// with one, three and five row lengths as indices.
func (t tile) rowsOf(a, ra reg.Register) []operand.Mem {
	at := func(base, index reg.Register, scale uint8) operand.Mem {
		return operand.Mem{Base: base, Index: index, Scale: scale}
	}
	all := []operand.Mem{{Base: a}, at(a, ra, 1), at(a, ra, 2)}
	if t.rows > 3 {
		ra3 := t.GP64()
		t.LEAQ(at(ra, ra, 2), ra3)
		all = append(all, at(a, ra3, 1), at(a, ra, 4))
		if t.rows > 5 {
			ra5 := t.GP64()
			t.LEAQ(at(ra, ra, 4), ra5)
			all = append(all, at(a, ra5, 1))
			if t.rows > 6 {
				a6 := t.GP64()
				t.LEAQ(at(a, ra3, 2), a6)
				all = append(all, operand.Mem{Base: a6}, at(a6, ra, 1), at(a6, ra, 2), at(a6, ra3, 1), at(a6, ra, 4), at(a6, ra5, 1))
			}
		}
	}
	return all[:t.rows]
}
