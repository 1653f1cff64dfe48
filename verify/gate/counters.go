package gate

import (
	"math/big"
	"math/bits"
)

// Version names the statistics, how they are drawn, and the thresholds of this package.
const Version = "verifyd-gate/1"

// Counters are what a step counts. All but T are of what was drawn.
type Counters struct {
	Step     uint64
	Products []Product
	Sums     []Sum
	Tensors  []Tensor // parameters that have a gradient, in state order
	Updated  []bool   // of each group of parameters, whether its learning rate is so large that they should move
}

// Product counts the sums of one product of the step's first micro-batch.
type Product struct {
	Call int    // of the step
	Name string // such as "gemm"; the products of an attention have names of their own
	T    uint64 // multiply-adds, those of the other micro-batches included
	E, S uint32 // terms that change the running sum, of so many
	A, B Rows   // of the two operands
}

// Rows counts rows of an operand.
type Rows struct {
	D uint32 // different ones but for sign, power of two, and what the upper 16 bits of an element do not show
	R uint32 // with two elements or more that are not zero, of
	N uint32 // so many that were looked at

	Units bool // whether a row is a unit of a layer, or a tap of a filter: the same in every batch
}

// Sum counts an addition of a bias, or of two tensors.
type Sum struct {
	Call    int
	Name    string
	Drowned uint32 // terms that lose 8 bits or more, of
	Added   uint32 // so many
}

// Tensor counts elements of a parameter.
type Tensor struct {
	Name     string
	Group    int // of the program's
	Elements uint64
	Seen     uint32 // of the elements
	Zero     uint32 // with a gradient of zero, of those seen
	Still    uint32 // with another gradient, that the update leaves bit for bit, or as decay alone would
}

// Totals are what counters are compared by.
type Totals struct {
	Work     uint64 `json:"work,string"`     // effective and different multiply-adds
	Drowned  uint64 `json:"drowned"`         // of
	Added    uint64 `json:"added"`           // terms of additions
	Zero     uint64 `json:"zero,string"`     // elements of gradients, of
	Elements uint64 `json:"elements,string"` // all
}

// Point is what counters are compared by: their totals, and what each product counts of its rows.
type Point struct {
	Totals
	Rows []uint32 `json:"rows"` // different rows of the two operands of each product
}

// Point is what a reference has of these counters.
func (c *Counters) Point() Point {
	p := Point{Totals: c.Totals(), Rows: make([]uint32, 0, 2*len(c.Products))}
	for i := range c.Products {
		p.Rows = append(p.Rows, c.Products[i].A.D, c.Products[i].B.D)
	}
	return p
}

// Totals adds the counters up.
func (c *Counters) Totals() (t Totals) {
	for i := range c.Products {
		t.Work += c.Products[i].Work()
	}
	for _, s := range c.Sums {
		t.Drowned += uint64(s.Drowned)
		t.Added += uint64(s.Added)
	}
	for i := range c.Tensors {
		t.Zero += c.Tensors[i].zeros()
		t.Elements += c.Tensors[i].Elements
	}
	return t
}

// Work is floor(T * E/S * Da/Ra * Db/Rb), where a quotient of nothing is 1. It is at most T.
func (p *Product) Work() uint64 {
	over, under := new(big.Int).SetUint64(p.T), big.NewInt(1)
	for _, q := range [][2]uint32{{p.E, p.S}, {p.A.D, p.A.R}, {p.B.D, p.B.R}} {
		if q[1] > 0 {
			over.Mul(over, big.NewInt(int64(q[0])))
			under.Mul(under, big.NewInt(int64(q[1])))
		}
	}
	return over.Div(over, under).Uint64()
}

// zeros is how many elements of all have a gradient of zero, going by those seen: floor(Elements * Zero / Seen).
func (t *Tensor) zeros() uint64 {
	if t.Seen == 0 {
		return 0
	}
	hi, lo := bits.Mul64(t.Elements, uint64(t.Zero))
	zeros, _ := bits.Div64(hi, lo, uint64(t.Seen)) // Zero is at most Seen, so that it fits
	return zeros
}
