package optest

import "github.com/verifyd/verifyd/kernels"

// values are the operators that value contributions, with players round the words of masks and the blocks of kernels.
func values() []entry {
	sum := entry{
		random: func(r *source) kernels.Operator {
			return kernels.CoalitionSum{Coalitions: r.between(1, 20), Players: r.between(1, 70), N: r.between(1, 60)}
		},
		perf: kernels.CoalitionSum{Coalitions: 64, Players: 32, N: 1 << 16},
	}
	for _, s := range [][3]int{{11, 37, 29}, {1, 1, 1}, {8, 32, 256}, {9, 33, 257}, {3, 64, 4097}, {17, 5, 3}, {2, 0, 7}, {0, 3, 5}, {3, 4, 0}} {
		sum.shapes = append(sum.shapes, kernels.CoalitionSum{Coalitions: s[0], Players: s[1], N: s[2]})
	}
	order := entry{
		random: func(r *source) kernels.Operator { return kernels.KNNOrder{Rows: r.between(1, 6), N: r.between(1, 90)} },
		perf:   kernels.KNNOrder{Rows: 16, N: 1 << 12},
		fill: func(op kernels.Operator, _ kernels.Operand, c Class, r *source, b kernels.Buf) bool {
			if c == AnyBits {
				return false
			}
			r.indices(b.I, 1+op.(kernels.KNNOrder).N/2, c) // so that there are ties
			return true
		},
	}
	recursion := entry{
		random: func(r *source) kernels.Operator {
			return kernels.KNNRecursion{Rows: r.between(1, 6), N: r.between(1, 90)}
		},
		perf: kernels.KNNRecursion{Rows: 16, N: 1 << 12},
		fill: func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool {
			switch o.Name {
			case "order":
				for n := op.(kernels.KNNRecursion).N; len(b.I) > 0; b.I = b.I[n:] {
					r.permutation(b.I[:n])
				}
			case "labels", "tests":
				r.indices(b.I, 3, c)
			default:
				return false
			}
			return true
		},
	}
	for _, s := range [][2]int{{5, 131}, {1, 1}, {3, 2}, {2, 255}, {2, 256}, {3, 257}, {1, 1000}, {40, 3}, {0, 5}, {4, 0}} {
		order.shapes = append(order.shapes, kernels.KNNOrder{Rows: s[0], N: s[1]})
		recursion.shapes = append(recursion.shapes, kernels.KNNRecursion{Rows: s[0], N: s[1]})
	}
	return []entry{sum, order, recursion}
}
