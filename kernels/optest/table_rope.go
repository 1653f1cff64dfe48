package optest

import "github.com/verifyd/verifyd/kernels"

// ropes have pairs round the vectors of a launch of the table, dimensions that stay, and both layouts. Their tables are arbitrary
// numbers. Frequencies are powers of 3/4, so that angles fall into every eighth of a turn, and some that give no angle.
func ropes() []entry {
	rope := entry{
		random: func(r *source) kernels.Operator {
			pairs := r.between(1, 9)
			return kernels.Rope{
				Batch: r.between(1, 2), Positions: r.between(1, 9), Heads: r.between(1, 3), HeadDim: 2*pairs + r.below(3), Pairs: pairs,
				Interleaved: r.below(2) == 1, Inverse: r.below(2) == 1,
			}
		},
		perf: kernels.Rope{Batch: 8, Positions: 256, Heads: 8, HeadDim: 64, Pairs: 32},
	}
	for i, s := range [][5]int{{2, 5, 3, 8, 3}, {1, 1, 1, 2, 1}, {3, 70, 2, 64, 32}, {2, 7, 1, 33, 16}, {1, 3, 4, 5, 0}, {1, 300, 1, 6, 3}} {
		rope.shapes = append(rope.shapes,
			kernels.Rope{Batch: s[0], Positions: s[1], Heads: s[2], HeadDim: s[3], Pairs: s[4], Inverse: i%2 == 1},
			kernels.Rope{Batch: s[0], Positions: s[1], Heads: s[2], HeadDim: s[3], Pairs: s[4], Interleaved: true, Inverse: i%2 == 0})
	}
	return []entry{rope, ropeTable()}
}

func ropeTable() entry {
	of := func(positions, offset, pairs int, first float32) kernels.Operator {
		var list []float32
		for range pairs {
			list = append(list, first)
			first = float32(first * 0.75)
		}
		return kernels.RopeTable{Positions: positions, Offset: offset, Frequencies: kernels.NewFrequencies(list)}
	}
	e := entry{
		random: func(r *source) kernels.Operator {
			var list []float32
			for range r.between(1, 20) {
				list = append(list, r.float([]Class{Normal, Wide, AnyBits, Subnormals}[r.below(4)]))
			}
			return kernels.RopeTable{Positions: r.between(1, 20), Offset: r.below(1 << r.below(24)), Frequencies: kernels.NewFrequencies(list)}
		},
		perf: of(2048, 0, 64, 1),
	}
	for _, s := range [][3]int{{70, 0, 5}, {1, 0, 1}, {33, 1000, 16}, {17, 100000, 17}, {3, 16777213, 40}, {300, 0, 32}, {0, 0, 3}} {
		e.shapes = append(e.shapes, of(s[0], s[1], s[2], 1), of(s[0], s[1], s[2], -1e-3))
	}
	e.shapes = append(e.shapes, of(3, 0, 0, 1)) // no frequency has no first one
	return e
}
