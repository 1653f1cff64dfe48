package study

import "github.com/verifyd/verifyd/kernels"

// source is a stream of Philox words: key and a name for what is drawn.
type source struct {
	key, name uint32
	ctr       uint32
}

func (s *source) word() uint32 {
	s.ctr++
	return kernels.Philox4x32([4]uint32{s.ctr, s.name}, [2]uint32{s.key, 0x73747564})[0]
}

// below is a number below n; the bias of 2^-32 n does not matter here.
func (s *source) below(n int) int { return int(uint64(s.word()) * uint64(n) >> 32) }

// uniform is a number in [0, 1).
func (s *source) uniform() float64 { return float64(s.word()) * 0x1p-32 }

// normal is nearly normal: twelve uniform numbers less 6.
func (s *source) normal() float64 {
	x := -6.0
	for range 12 {
		x += s.uniform()
	}
	return x
}

// shuffled is the numbers below n in some order.
func (s *source) shuffled(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
