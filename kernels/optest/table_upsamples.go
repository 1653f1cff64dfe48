package optest

import "github.com/verifyd/verifyd/kernels"

// upsamples are doubled, stretched, shrunk and unchanged planes, and those of one row or column on either side.
func upsamples() []entry {
	shapes := []kernels.UpsampleShape{
		{Planes: 3, H: 5, W: 7, OutH: 11, OutW: 9}, {Planes: 1, H: 1, W: 1, OutH: 1, OutW: 1}, {Planes: 6, H: 8, W: 8, OutH: 16, OutW: 16},
		{Planes: 2, H: 1, W: 3, OutH: 4, OutW: 1}, {Planes: 2, H: 9, W: 10, OutH: 4, OutW: 3}, {Planes: 1, H: 6, W: 6, OutH: 6, OutW: 6},
		{Planes: 2, H: 2, W: 1, OutH: 1, OutW: 8}, {Planes: 1, H: 3, W: 200, OutH: 150, OutW: 201}, {Planes: 300, H: 4, W: 4, OutH: 8, OutW: 8},
	}
	random := func(r *source) kernels.UpsampleShape {
		return kernels.UpsampleShape{Planes: r.between(1, 4), H: r.between(1, 9), W: r.between(1, 9), OutH: r.between(1, 20), OutW: r.between(1, 20)}
	}
	of := func(each func(s kernels.UpsampleShape, corners bool) kernels.Operator, corners ...bool) entry {
		e := entry{
			random: func(r *source) kernels.Operator { return each(random(r), r.below(2) == 1) },
			perf:   each(kernels.UpsampleShape{Planes: 512, H: 28, W: 28, OutH: 56, OutW: 56}, false),
		}
		for _, c := range corners {
			for _, s := range shapes {
				e.shapes = append(e.shapes, each(s, c))
			}
		}
		return e
	}
	return []entry{
		of(func(s kernels.UpsampleShape, _ bool) kernels.Operator {
			return kernels.UpsampleNearest{UpsampleShape: s}
		}, false),
		of(func(s kernels.UpsampleShape, _ bool) kernels.Operator {
			return kernels.UpsampleNearestGrad{UpsampleShape: s}
		}, false),
		of(func(s kernels.UpsampleShape, c bool) kernels.Operator {
			return kernels.UpsampleBilinear{UpsampleShape: s, AlignCorners: c}
		}, false, true),
		of(func(s kernels.UpsampleShape, c bool) kernels.Operator {
			return kernels.UpsampleBilinearGrad{UpsampleShape: s, AlignCorners: c}
		}, false, true),
	}
}
