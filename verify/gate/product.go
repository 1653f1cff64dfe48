package gate

import (
	"math"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// What is drawn of a product: chunks of its sums, chainTerms terms of them all together but no fewer than leastChains and
// no more than mostChains; and of each operand mostRows rows, at so many terms as make rowElements elements, but no fewer
// than leastColumns and no more than mostColumns.
const (
	chainTerms   = 8192
	leastChains  = 16
	mostChains   = 128
	mostRows     = 2048
	rowElements  = 16384
	leastColumns = 8
	mostColumns  = 32
)

// What a call draws for: place call*kinds + kind of the draws.
const (
	forChains = iota
	forA
	forB
	forLines
	kinds = 32
)

// product is a product whose operands hold its factors.
type product struct {
	call    int
	name    string
	t       uint64
	factors kernels.Factors
	units   units
	profile kernels.Profile
}

func (p product) draw(d draws) probe {
	f := p.factors
	place := uint32(p.call * kinds)
	chains := drawChains(d.at(place+forChains), p.profile, f.K, func(d *draws) (int, int) {
		group := 0
		if f.Groups > 1 {
			group = d.below(f.Groups)
		}
		return group*f.M + d.below(f.M), group*f.N + d.below(f.N)
	})
	a := drawRows(d.at(place+forA), f.Groups*f.M, f.K, p.units.a)
	b := drawRows(d.at(place+forB), f.Groups*f.N, f.K, p.units.b)
	return probe{
		reads: []program.Read{
			{Call: p.call, Operand: f.A.Operand, At: chains.elements(f.A.At, chains.a)},
			{Call: p.call, Operand: f.B.Operand, At: chains.elements(f.B.At, chains.b)},
			{Call: p.call, Operand: f.A.Operand, At: a.elements(f.A.At)},
			{Call: p.call, Operand: f.B.Operand, At: b.elements(f.B.At)},
		},
		count: func(words [][]float32, to *Counters) {
			e, s := chains.count(words[0], words[1])
			to.Products = append(to.Products, Product{
				Call: p.call, Name: p.name, T: p.t, E: e, S: s, A: a.count(words[2]), B: b.count(words[3]),
			})
		},
	}
}

// chains are chunks of the sums of a product.
type chains struct {
	profile kernels.Profile
	k       int   // terms of a sum
	stride  int   // elements for each chunk: the last one of a sum may be shorter
	a, b    []int // rows
	first   []int // terms
}

func drawChains(d *draws, profile kernels.Profile, k int, rows func(*draws) (a, b int)) *chains {
	c := &chains{profile: profile, k: k, stride: min(k, profile.Chunk())}
	for range chainsOf(c.stride) {
		a, b := rows(d)
		c.a, c.b = append(c.a, a), append(c.b, b)
		c.first = append(c.first, d.below((k+profile.Chunk()-1)/profile.Chunk())*profile.Chunk())
	}
	return c
}

// chainsOf is how many chunks of so many terms are drawn.
func chainsOf(terms int) int { return min(max(chainTerms/max(terms, 1), leastChains), mostChains) }

// terms is the number of terms of chunk i.
func (c *chains) terms(i int) int { return min(c.stride, c.k-c.first[i]) }

// elements are those of one factor, +0 behind a shorter chunk.
func (c *chains) elements(at func(row, k int) int, rows []int) []int32 {
	all := make([]int32, 0, len(rows)*c.stride)
	for i, row := range rows {
		n := c.terms(i)
		for k := range n {
			all = append(all, int32(at(row, c.first[i]+k)))
		}
		for range c.stride - n {
			all = append(all, -1)
		}
	}
	return all
}

// count is the number of terms that change the running sum, and that of all terms.
func (c *chains) count(a, b []float32) (e, s uint32) {
	for i := range c.a {
		n := c.terms(i)
		e += uint32(c.profile.Effective(a[i*c.stride:][:n], b[i*c.stride:][:n]))
		s += uint32(n)
	}
	return e, s
}

// rows are rows of an operand, at some of its terms.
type rows struct {
	rows, terms []int
	units       bool
}

func drawRows(d *draws, n, k int, units bool) *rows {
	r := &rows{rows: d.distinct(mostRows, n), units: units}
	r.terms = d.distinct(columnsOf(len(r.rows)), k)
	return r
}

// columnsOf is at how many terms so many rows are looked at.
func columnsOf(rows int) int { return min(max(rowElements/max(rows, 1), leastColumns), mostColumns) }

func (r *rows) elements(at func(row, k int) int) []int32 {
	all := make([]int32, 0, len(r.rows)*len(r.terms))
	for _, row := range r.rows {
		for _, k := range r.terms {
			all = append(all, int32(at(row, k)))
		}
	}
	return all
}

func (r *rows) count(x []float32) Rows { return countRows(x, len(r.terms), r.units) }

// countRows counts rows of some width.
func countRows(x []float32, width int, units bool) Rows {
	c := Rows{Units: units}
	normal := make([]uint32, 0, len(x))
	seen := make(map[uint64]int, len(x)/max(width, 1)) // by a hash: where the row begins in normal
	for row := range slices.Chunk(x, max(width, 1)) {
		c.N++
		at := len(normal)
		var hash uint64
		if normal, hash = normalize(normal, row); len(normal) == at {
			continue
		}
		c.R++
		for {
			first, again := seen[hash]
			if !again {
				seen[hash] = at
				c.D++
				break
			}
			if slices.Equal(normal[first:first+width], normal[at:]) {
				break
			}
			hash++
		}
	}
	return c
}

// normalize appends a row as it is compared, with a hash of that, or nothing unless two of its elements are not zero. An
// element that is no normal number but not above them either counts as zero. The others are divided by the sign and the
// power of two of the first one, and cut to their upper 16 bits: sign, exponent, and 7 bits of the significand.
func normalize(to []uint32, row []float32) (all []uint32, hash uint64) {
	at, first, some := len(to), uint32(0), 0
	hash = 0xcbf29ce484222325
	for _, v := range row {
		bits := math.Float32bits(v)
		n := uint32(0)
		if bits&0x7f800000 != 0 {
			if some++; some == 1 {
				first = bits
			}
			exponent := bits>>23&0xff - first>>23&0xff + 0xff // 1 to 509
			n = (bits^first)>>31<<16 | exponent<<17 | bits>>16&0x7f | 1<<7
		}
		to = append(to, n)
		hash = (hash ^ uint64(n)) * 0x100000001b3
		hash ^= hash >> 29
	}
	if some < 2 {
		return to[:at], 0
	}
	return to, hash
}
