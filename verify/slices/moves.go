package slices

import (
	"cmp"
	"math"
	"slices"
)

// Moves gathers how far each slice moves in each segment, from the numbers at the boundaries. It holds those of the last
// boundary and a number for each slice and segment.
type Moves struct {
	Segments uint64 // that will come, so that no more is held than is needed; may be left out
	Groups   []int  // of the first slices, which are of parameters: the group whose learning rate their moves follow

	last  [][]float32
	moved [][]float64 // of each slice: the sum of the squared moves of its elements, by segment
}

// Boundary takes the numbers of the slices at the next boundary.
//
// The move of a slice is the sum, in the order of elements from 0, of the squares of differences; difference, square and
// sum are each rounded to binary64.
func (m *Moves) Boundary(values [][]float32) {
	if m.last == nil {
		for _, v := range values {
			m.last = append(m.last, slices.Clone(v))
			m.moved = append(m.moved, make([]float64, 0, m.Segments))
		}
		return
	}
	for i, now := range values {
		sum := 0.0
		for k, v := range now {
			d := float64(v) - float64(m.last[i][k])
			sum += float64(d * d)
		}
		copy(m.last[i], now)
		m.moved[i] = append(m.moved[i], sum)
	}
}

// How speeds are compared.
const (
	reach   = 8   // segments that one is compared with
	slowest = 100 // of the highest rate of a segment, the part that all count as having at least
)

// Rank returns the segments, those that moved suddenly most first. rates has each group's sums of rates, by segment.
//
// The speed of a slice in a segment is its move, and for one of a parameter move / rate^2, rate being its group's in the segment but no
// less than a hundredth of the group's highest, below which moves are roundings; each operation rounded to binary64. It is infinite
// where a move is not a number. A segment is compared with those before it, since what a jump leads to may move as far
// as it likes: the norm is the largest speed of the 8 segments before (of segment 0, of the 8 behind), and where these did not
// move, the largest of all others. A segment's score is the largest quotient of speed and norm over the slices: 0 where
// the speed is 0, infinite where it is and where the norm alone is 0. Equal scores stand in the order of segments.
//
// Parameters and what an optimizer remembers of them are ranked apart, or the one would hide the other; of three places
// in the ranking parameters have the first two.
func (m *Moves) Rank(rates [][]float64) []uint64 {
	speed := make([]float64, len(rates[0]))
	least := make([]float64, len(rates))
	for g := range rates {
		least[g] = float64(most(rates[g]) / slowest)
	}
	rated := len(m.Groups)
	parameters := rank(m.moved[:rated], speed, func(slice, s int) float64 {
		g := m.Groups[slice]
		rate := max(rates[g][s], least[g])
		return float64(rate * rate)
	})
	if rated == len(m.moved) {
		return parameters
	}
	others := rank(m.moved[rated:], speed, func(int, int) float64 { return 1 })
	if rated == 0 {
		return others
	}
	return merge(parameters, others)
}

// rank ranks by some of the slices, whose moves are divided to be speeds.
func rank(moved [][]float64, speed []float64, by func(slice, s int) float64) []uint64 {
	score, order := make([]float64, len(speed)), make([]uint64, len(speed))
	for i, moves := range moved {
		for s, d := range moves {
			speed[s] = quotient(d, by(i, s))
		}
		top := fastest(speed)
		for s, v := range speed {
			norm := most(near(speed, s))
			if norm == 0 {
				norm = top.but(s)
			}
			score[s] = max(score[s], quotient(v, norm))
		}
	}
	for s := range order {
		order[s] = uint64(s)
	}
	slices.SortStableFunc(order, func(a, b uint64) int { return cmp.Compare(score[b], score[a]) })
	return order
}

// merge takes two of a, one of b, and so on, each once.
func merge(a, b []uint64) []uint64 {
	all, taken := make([]uint64, 0, len(a)), make([]bool, len(a))
	take := func(from []uint64) []uint64 {
		for i, s := range from {
			if !taken[s] {
				taken[s], all = true, append(all, s)
				return from[i+1:]
			}
		}
		return nil
	}
	for len(all) < cap(all) {
		a = take(take(a))
		b = take(b)
	}
	return all
}

// near are the speeds that the one of segment s is compared with.
func near(speed []float64, s int) []float64 {
	if s == 0 {
		return speed[min(1, len(speed)):min(1+reach, len(speed))]
	}
	return speed[max(s-reach, 0):s]
}

// most is the largest of some speeds, 0 of none.
func most(speeds []float64) (v float64) {
	for _, x := range speeds {
		v = max(v, x)
	}
	return v
}

// top is the largest of some speeds, where it is, and the largest of the others.
type top struct {
	at            int
	first, second float64
}

func fastest(speed []float64) (t top) {
	for s, v := range speed {
		switch {
		case v > t.first:
			t = top{s, v, t.first}
		case v > t.second:
			t.second = v
		}
	}
	return t
}

// but is the largest speed of all segments but s.
func (t top) but(s int) float64 {
	if s == t.at {
		return t.second
	}
	return t.first
}

// quotient is a/b for numbers that are not negative; 0 for 0/0, and infinite where a is infinite or no number.
func quotient(a, b float64) float64 {
	switch {
	case a == 0:
		return 0
	case a > math.MaxFloat64, a != a:
		return math.Inf(1)
	}
	return a / b
}
