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

// Rank returns the segments, those that moved most for their learning rate first. rates has a segment's sum of rates.
//
// The speed of a slice in a segment is move / rates^2, each operation rounded to binary64: 0 where nothing moved, infinite
// where something moved at no rate or a move is not a number. Its norm is the upper quartile of its speeds: the
// ceil(3N/4)-th smallest one. A segment's score is the largest quotient of speed and norm over the slices (0 where the speed is 0,
// infinite where it is and where the norm alone is 0). Equal scores stand in the order of segments.
func (m *Moves) Rank(rates []float64) []uint64 {
	n := len(rates)
	score := make([]float64, n)
	speed, sorted := make([]float64, n), make([]float64, n)
	for _, moved := range m.moved {
		for s, d := range moved {
			speed[s] = quotient(d, float64(rates[s]*rates[s]))
		}
		copy(sorted, speed)
		slices.Sort(sorted)
		norm := sorted[(3*n+3)/4-1]
		for s, v := range speed {
			score[s] = max(score[s], quotient(v, norm))
		}
	}
	order := make([]uint64, n)
	for s := range order {
		order[s] = uint64(s)
	}
	slices.SortStableFunc(order, func(a, b uint64) int { return cmp.Compare(score[b], score[a]) })
	return order
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
