package study

import "slices"

// auroc is the area under the curve of finding flagged rows by their low values: the share of pairs of a flagged and an
// unflagged row in which the flagged one is lower, ties count half.
func auroc(values []float64, flagged []bool) float64 {
	r := ranks(values)
	sum, n, m := 0.0, 0.0, 0.0
	for i, f := range flagged {
		if f {
			n++
		} else {
			m++
			sum += r[i]
		}
	}
	return (sum - m*(m-1)/2) / (n * m)
}

// f1 is the harmonic mean of precision and recall where as many rows of the lowest values are picked as are flagged.
func f1(values []float64, flagged []bool) float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	n, hits := 0, 0
	for _, f := range flagged {
		if f {
			n++
		}
	}
	for _, i := range order[:n] {
		if flagged[i] {
			hits++
		}
	}
	return float64(hits) / float64(n)
}

// flip gives a share of labels another class and says which.
func flip(labels []int32, classes int, share float64, s *source) []bool {
	flagged := make([]bool, len(labels))
	for _, i := range s.shuffled(len(labels))[:int(share*float64(len(labels)))] {
		labels[i] = (labels[i] + 1 + int32(s.below(classes-1))) % int32(classes)
		flagged[i] = true
	}
	return flagged
}
