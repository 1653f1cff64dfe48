package knn

import "math/bits"

// digitBits is how many bits of a key a pass of the sort looks at, at most.
const digitBits = 11

// sorter orders training rows by distance, nearest first, equal ones by index.
type sorter struct {
	keys, other []uint64 // distance less the smallest, and index
	count       [3][1 << digitBits]uint32
}

func newSorter(n int) *sorter {
	return &sorter{keys: make([]uint64, n), other: make([]uint64, n)}
}

// order sorts by the bits of distances that differ at all, least significant digit first. The index is in the
// low half of each element of the result, which is valid until the next call.
func (s *sorter) order(distances []int32) []uint64 {
	least, most := uint32(1<<32-1), uint32(0)
	for _, d := range distances {
		least, most = min(least, uint32(d)), max(most, uint32(d))
	}
	width := bits.Len32(most - least)
	passes := (width + digitBits - 1) / digitBits
	digit := 0
	if passes > 0 {
		digit = (width + passes - 1) / passes
	}
	mask := uint32(1)<<digit - 1
	for p := range s.count {
		clear(s.count[p][:mask+1])
	}
	a, b := s.keys[:len(distances)], s.other[:len(distances)]
	low, middle, high := &s.count[0], &s.count[1], &s.count[2]
	for i, d := range distances {
		k := uint32(d) - least
		a[i] = uint64(k)<<32 | uint64(i)
		low[k&mask&(1<<digitBits-1)]++
		middle[k>>digit&mask&(1<<digitBits-1)]++
		high[k>>(2*digit)&mask&(1<<digitBits-1)]++
	}
	for p := range passes {
		at, sum := &s.count[p], uint32(0)
		for j := range mask + 1 {
			at[j], sum = sum, sum+at[j]
		}
		shift := 32 + p*digit
		for _, k := range a {
			j := uint32(k>>shift) & mask & (1<<digitBits - 1)
			b[at[j]] = k
			at[j]++
		}
		a, b = b, a
	}
	return a
}
