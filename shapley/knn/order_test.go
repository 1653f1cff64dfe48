package knn

import (
	"cmp"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestNeighboursAreInOrderOfDistanceThenMatchThenRow(t *testing.T) {
	const n = 3000
	kinds := map[string]func(word uint32, i int) uint32{
		"anything":        func(word uint32, _ int) uint32 { return word },
		"near each other": func(word uint32, _ int) uint32 { return 1<<31 + word%5 },
		"equal":           func(uint32, int) uint32 { return 7 },
		"two clusters":    func(word uint32, i int) uint32 { return word%4096 + uint32(i%2)*(1<<32-4096) },
		"one far away":    func(word uint32, i int) uint32 { return word%1000 + uint32(i/(n-1))*(1<<32-1000) },
		"falling":         func(_ uint32, i int) uint32 { return uint32(n-i) << 10 },
	}
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	for name, kind := range kinds {
		distances := make([]int32, n)
		for i := range distances {
			distances[i] = int32(kind(kernels.Philox4x32([4]uint32{uint32(i)}, [2]uint32{9})[0], i))
		}
		for _, rows := range []int{1, 2, 255, 256, 257, n} {
			d := distances[n-rows:]
			want := make([]int, rows)
			for i := range want {
				want[i] = i
			}
			match := func(i int) int {
				if labels[i] == 1 {
					return 1
				}
				return 0
			}
			slices.SortStableFunc(want, func(a, b int) int { return cmp.Or(cmp.Compare(uint32(d[a]), uint32(d[b])), match(a)-match(b)) })
			s := newSorter(rows)
			for _, keep := range []int{1, 2, rows / 2, rows - 1, rows} {
				if keep < 1 || keep > rows {
					continue
				}
				got := s.nearest(d, labels[:rows], 1, keep)
				if len(got) != keep {
					t.Fatalf("%s: %d neighbours of %d, want %d", name, len(got), rows, keep)
				}
				for i, k := range got {
					if k.row() != want[i] || (k.match() == 1) != (labels[k.row()] == 1) {
						t.Fatalf("%s: place %d of %d, %d kept: row %d, match %d; want row %d", name, i, rows, keep, k.row(), k.match(), want[i])
					}
				}
			}
		}
	}
}
