package gate

import (
	"math"

	"github.com/verifyd/verifyd/verify/program"
)

// sumElements are drawn of each addition.
const sumElements = 128

// drownedBits is by how many powers of two a term that drowns is below the sum.
const drownedBits = 8

// sum is an addition: of a bias, which is no product's, or of two tensors.
type sum struct {
	call   int
	name   string
	n      int
	second func(e int) int // the element of operand 1 that is added to element e of operand 0
	both   bool            // whether both are terms that may drown
}

func (s sum) draw(d draws) probe {
	elements := d.at(uint32(s.call*kinds)).distinct(sumElements, s.n)
	a, b := make([]int32, len(elements)), make([]int32, len(elements))
	for i, e := range elements {
		a[i], b[i] = int32(e), int32(s.second(e))
	}
	return probe{
		reads: []program.Read{{Call: s.call, Operand: 0, At: a}, {Call: s.call, Operand: 1, At: b}},
		count: func(words [][]float32, to *Counters) {
			c := Sum{Call: s.call, Name: s.name}
			for i, x := range words[0] {
				total := x + words[1][i]
				c.add(x, total)
				if s.both {
					c.add(words[1][i], total)
				}
			}
			to.Sums = append(to.Sums, c)
		},
	}
}

// add counts a term of a sum, unless it is zero.
func (s *Sum) add(term, total float32) {
	if term == 0 {
		return
	}
	s.Added++
	if exponent(total) >= exponent(term)+drownedBits {
		s.Drowned++
	}
}

// exponent is the biased one, 0 for what is below all normal numbers.
func exponent(x float32) uint32 { return math.Float32bits(x) >> 23 & 0xff }
