package optest

import "github.com/verifyd/verifyd/kernels"

// images are images, channels and pixels round the lanes, the strips of 1024 and the blocks of 65536 of a channel,
// with planes of one number, and with more channels than share a line.
var images = [][3]int{
	{3, 5, 49}, {1, 1, 1}, {2, 1, 1}, {7, 3, 4}, {129, 17, 1}, {33, 40, 3}, {2, 3, 1024}, {5, 2, 411}, {1, 2, 130}, {4, 6, 64}, {3, 2, 22000}, {66000, 2, 1},
}

const normEps = 1e-5

// norms are the normalisations of channels and of their groups.
func norms() []entry {
	byImage := func(of func(n, c, p int) kernels.Operator) entry {
		e := entry{
			random: func(r *source) kernels.Operator { return of(r.between(1, 6), r.between(1, 20), r.between(1, 40)) },
			perf:   of(32, 64, 1024),
		}
		for _, s := range images {
			e.shapes = append(e.shapes, of(s[0], s[1], s[2]))
		}
		return e
	}
	grad := byImage(func(n, c, p int) kernels.Operator { return kernels.BatchNormGrad{N: n, C: c, P: p} })
	grad.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.BatchNormGrad)
		y, small := kernels.Buf{F: make([]float32, o.N*o.C*o.P)}, kernels.Buf{F: make([]float32, o.C)}
		return whenNormal(c, ref, kernels.BatchNorm{N: o.N, C: o.C, P: o.P, Eps: normEps}, bufs[0], bufs[1], small, y, bufs[2], kernels.Buf{F: make([]float32, o.C)}, bufs[3])
	}
	return append([]entry{
		byImage(func(n, c, p int) kernels.Operator { return kernels.BatchNorm{N: n, C: c, P: p, Eps: normEps} }),
		byImage(func(n, c, p int) kernels.Operator { return kernels.BatchNormFrozen{N: n, C: c, P: p, Eps: normEps} }),
		grad,
		byImage(func(n, c, p int) kernels.Operator { return kernels.BatchNormFrozenGrad{N: n, C: c, P: p, Eps: normEps} }),
		byLength(func(n int) kernels.Operator { return kernels.RunningUpdate{N: n, Keep: 0.9, Take: 0.1} }),
	}, groupNorms()...)
}

// groupNorms have one group, several, and one for each channel.
func groupNorms() []entry {
	var forward, backward entry
	for _, s := range [][4]int{
		{3, 6, 49, 2}, {1, 1, 1, 1}, {2, 8, 1, 4}, {5, 4, 7, 4}, {3, 12, 130, 1}, {2, 3, 1030, 3}, {1, 2, 40000, 1}, {1, 4, 66000, 2}, {70, 32, 16, 8},
	} {
		o := kernels.GroupNorm{N: s[0], C: s[1], P: s[2], Groups: s[3], Eps: normEps}
		forward.shapes = append(forward.shapes, o)
		backward.shapes = append(backward.shapes, gradOf(o))
	}
	random := func(r *source) kernels.GroupNorm {
		groups := r.between(1, 4)
		return kernels.GroupNorm{N: r.between(1, 5), C: groups * r.between(1, 5), P: r.between(1, 40), Groups: groups, Eps: normEps}
	}
	forward.random = func(r *source) kernels.Operator { return random(r) }
	backward.random = func(r *source) kernels.Operator { return gradOf(random(r)) }
	perf := kernels.GroupNorm{N: 32, C: 64, P: 1024, Groups: 8, Eps: normEps}
	forward.perf, backward.perf = perf, gradOf(perf)
	backward.derive = func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error {
		o := op.(kernels.GroupNormGrad)
		y, beta := kernels.Buf{F: make([]float32, o.N*o.C*o.P)}, kernels.Buf{F: make([]float32, o.C)}
		return whenNormal(c, ref, kernels.GroupNorm{N: o.N, C: o.C, P: o.P, Groups: o.Groups, Eps: normEps}, bufs[0], bufs[1], beta, y, bufs[2], bufs[3])
	}
	return []entry{forward, backward}
}

func gradOf(o kernels.GroupNorm) kernels.Operator {
	return kernels.GroupNormGrad{N: o.N, C: o.C, P: o.P, Groups: o.Groups}
}
