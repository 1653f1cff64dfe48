package knn

import (
	"math/bits"
	"slices"
)

// neighbour is a training row in the order of a test row: its distance above the nearest in the upper half, match<<31 | row
// in the lower, match being whether its label is the test row's. The smaller is the nearer: of equal distances, those that
// do not match come first.
type neighbour uint64

func (n neighbour) row() int         { return int(uint32(n) &^ (1 << 31)) }
func (n neighbour) match() int64     { return int64(n >> 31 & 1) }
func (n neighbour) distance() uint32 { return uint32(n >> 32) } // above the nearest

func neighbourOf(distance uint32, row int, match bool) neighbour {
	k := uint64(distance)<<32 | uint64(row)
	if match {
		k |= 1 << 31
	}
	return neighbour(k)
}

const (
	fewRows   = 256 // below it rows are compared
	digitBits = 10  // at most, of a pass
)

// sorter orders training rows by distance, nearest first, equal ones by match and index, in memory that it reuses.
type sorter struct {
	least       uint32 // the distance of the nearest
	keys, other []neighbour
	count       [2][1 << digitBits]uint32
}

func newSorter(n int) *sorter {
	return &sorter{keys: make([]neighbour, n), other: make([]neighbour, n)}
}

// nearest is the keep nearest rows, valid until the next call. Without labels no row matches.
func (s *sorter) nearest(distances, labels []int32, label int32, keep int) []neighbour {
	least, most := ^uint32(0), uint32(0)
	for _, d := range distances {
		least, most = min(least, uint32(d)), max(most, uint32(d))
	}
	s.least = least
	if keep < len(distances) {
		most = s.bound(distances, least, most, keep)
	}
	from := s.keys[:0]
	if labels != nil {
		labels = labels[:len(distances)]
		for i, d := range distances {
			if uint32(d) <= most {
				from = append(from, neighbourOf(uint32(d)-least, i, labels[i] == label))
			}
		}
	} else {
		for i, d := range distances {
			if uint32(d) <= most {
				from = append(from, neighbourOf(uint32(d)-least, i, false))
			}
		}
	}
	return s.sorted(from, bits.Len32(most-least)+1)[:keep]
}

// bound is a distance that at least keep rows do not exceed, and few more if distances differ.
func (s *sorter) bound(distances []int32, least, most uint32, keep int) uint32 {
	shift := max(0, bits.Len32(most-least)-digitBits)
	count := &s.count[0]
	clear(count[:])
	for _, d := range distances {
		count[(uint32(d)-least)>>shift&(1<<digitBits-1)]++
	}
	digit, within := 0, int(count[0])
	for within < keep {
		digit++
		within += int(count[digit])
	}
	return least + min(most-least, uint32(uint64(digit+1)<<shift-1))
}

// sorted sorts s.keys[:len(from)], whose distances and matches have some bits: by two digits of the highest bits, the lower
// one first, and then by comparison the runs that agree in them but are out of order.
func (s *sorter) sorted(from []neighbour, span int) []neighbour {
	if len(from) < fewRows {
		slices.Sort(from)
		return from
	}
	digit := min(digitBits, (span+1)/2)
	rest := max(0, span-2*digit)
	low, high := 31+rest, 31+rest+digit
	mask := uint64(1)<<digit - 1
	for i := range s.count {
		clear(s.count[i][:mask+1])
	}
	for _, k := range from {
		s.count[0][uint64(k)>>(low&63)&mask&(1<<digitBits-1)]++
		s.count[1][uint64(k)>>(high&63)&mask&(1<<digitBits-1)]++
	}
	to := s.other[:len(from)]
	for i, shift := range [2]int{low, high} {
		at, sum := &s.count[i], uint32(0)
		for j := range mask + 1 {
			at[j], sum = sum, sum+at[j]
		}
		for _, k := range from {
			j := uint64(k) >> (shift & 63) & mask & (1<<digitBits - 1)
			place := at[j]
			at[j] = place + 1
			to[place] = k
		}
		from, to = to, from
	}
	if rest > 0 {
		order(from, low)
	}
	return from
}

// order sorts keys that are sorted but for the bits below low.
func order(keys []neighbour, low int) {
	for i := 1; i < len(keys); i++ {
		if keys[i-1] <= keys[i] {
			continue
		}
		run := keys[i] >> low
		first, end := i-1, i+1
		for first > 0 && keys[first-1]>>low == run {
			first--
		}
		for end < len(keys) && keys[end]>>low == run {
			end++
		}
		slices.Sort(keys[first:end])
		i = end
	}
}
