package optest

import "github.com/verifyd/verifyd/kernels"

// distances have rows and columns round the tiles and pieces of every backend, and no words.
func distances() []entry {
	e := entry{
		random: func(r *source) kernels.Operator {
			return kernels.SqDistance{M: r.between(1, 30), N: r.between(1, 80), W: r.between(1, 40)}
		},
		perf: kernels.SqDistance{M: 512, N: 2048, W: 256},
	}
	e.flops = 4 * float64(512*2048*256)
	for _, s := range [][3]int{
		{37, 45, 19}, {1, 1, 1}, {12, 32, 8}, {13, 33, 7}, {4, 129, 64}, {193, 3, 5}, {200, 300, 1}, {3, 2, 1000}, {65, 64, 33}, {5, 9, 0},
	} {
		e.shapes = append(e.shapes, kernels.SqDistance{M: s[0], N: s[1], W: s[2]})
	}
	return []entry{e}
}
