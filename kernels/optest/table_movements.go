package optest

import "github.com/verifyd/verifyd/kernels"

// movements are the operators that copy, and the sum along an axis.
func movements() []entry { return []entry{permutes(), concats(), spreads(), axisSums()} }

// strided is a Permute of a dense tensor whose axes, outermost first, stand in y as order says.
func strided(order []int, shape ...int) kernels.Permute {
	strides := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	var sizes, steps []int
	for _, a := range order {
		sizes, steps = append(sizes, shape[a]), append(steps, strides[a])
	}
	o, ok := kernels.NewPermute(n, 0, sizes, steps)
	if !ok {
		panic("a table's shape has too many axes")
	}
	return o
}

// permutes turn the last axes and others, round the blocks of 32; they also cut, skip and repeat.
func permutes() entry {
	six := [6]int{1, 1, 1, 1, 1, 1}
	with := func(from, offset int, sizes, strides [6]int) kernels.Permute {
		return kernels.Permute{From: from, Offset: offset, Sizes: sizes, Strides: strides}
	}
	return entry{
		shapes: []kernels.Operator{
			strided([]int{0, 2, 1}, 3, 37, 45),
			strided([]int{1, 0}, 1, 1), strided([]int{1, 0}, 64, 32), strided([]int{1, 0}, 3, 1000), strided([]int{1, 0}, 1000, 3),
			strided([]int{0, 2, 1, 3}, 2, 9, 5, 16), strided([]int{2, 0, 3, 1, 4}, 2, 7, 3, 4, 6), strided([]int{0, 1, 3, 2, 4, 5}, 2, 3, 4, 5, 2, 3),
			strided([]int{5, 4, 3, 2, 1, 0}, 2, 3, 2, 3, 2, 33), strided([]int{0, 3, 1, 2}, 2, 9, 8, 3), strided([]int{0}, 20000),
			strided([]int{1, 0, 2}, 130, 140, 1), strided([]int{2, 1, 0}, 40, 3, 41),
			with(60, 7, [6]int{1, 1, 1, 1, 4, 5}, [6]int{0, 0, 0, 0, 12, 1}),  // a slice
			with(60, 59, six, [6]int{}),                                       // the last element
			with(100, 1, [6]int{1, 1, 1, 1, 3, 4}, [6]int{0, 0, 0, 0, 30, 7}), // every seventh
			with(5, 0, [6]int{1, 1, 1, 300, 5, 70}, [6]int{0, 0, 0, 0, 1, 0}), // repetitions inside and outside
			with(7, 0, [6]int{2, 3, 2, 3, 2, 3}, [6]int{0, 1, 3, 0, 1, 0}),
			with(50, 3, [6]int{1, 1, 2, 5, 3, 9}, [6]int{0, 0, 0, 1, 20, 0}),
			with(33000, 0, [6]int{1, 1, 1, 1, 2, 16500}, [6]int{0, 0, 0, 0, 1, 2}),
			with(0, 0, [6]int{1, 1, 1, 1, 0, 3}, [6]int{0, 0, 0, 0, 1, 1}),
		},
		random: func(r *source) kernels.Operator {
			o := kernels.Permute{Sizes: six, Offset: r.below(4)}
			far := o.Offset
			for range 1 + r.below(6) {
				k := r.below(6)
				far -= (o.Sizes[k] - 1) * o.Strides[k]
				o.Sizes[k], o.Strides[k] = r.between(1, 7), []int{0, 1, 1, 2, 7, 49}[r.below(6)]
				far += (o.Sizes[k] - 1) * o.Strides[k]
			}
			o.From = far + 1 + r.below(3)
			return o
		},
		perf: strided([]int{0, 2, 1}, 16, 256, 256),
	}
}

func concats() entry {
	of := func(outer, inner int, parts ...int) kernels.Concat {
		o := kernels.Concat{Outer: outer, Inner: inner}
		copy(o.Parts[:], parts)
		return o
	}
	return entry{
		shapes: []kernels.Operator{
			of(5, 7, 3, 1, 4), of(1, 1, 1), of(3, 1, 9), of(2, 49, 64, 32), of(33, 1, 1, 2, 3, 4, 5, 6, 7, 8), of(1, 20000, 1, 1), of(0, 3, 2, 2), of(700, 1, 31, 2),
			of(4, 0, 2, 3),
		},
		random: func(r *source) kernels.Operator {
			o := of(r.between(1, 9), r.between(1, 9))
			for k := range r.between(1, kernels.ConcatParts) {
				o.Parts[k] = r.between(1, 5)
			}
			return o
		},
		perf: of(16, 784, 32, 32),
	}
}

func spreads() entry {
	return entry{
		shapes: []kernels.Operator{
			kernels.Spread{Outer: 5, Size: 11, Inner: 7, Start: 2, Step: 3, Count: 3}, kernels.Spread{Outer: 1, Size: 1, Inner: 1, Step: 1, Count: 1},
			kernels.Spread{Outer: 3, Size: 65, Inner: 48, Step: 1, Count: 1}, kernels.Spread{Outer: 9, Size: 200, Inner: 1, Start: 199, Step: 1, Count: 1},
			kernels.Spread{Outer: 4, Size: 300, Inner: 1, Start: 100, Step: 1, Count: 100}, kernels.Spread{Outer: 40, Size: 1000, Inner: 1, Step: 2, Count: 500},
			kernels.Spread{Outer: 2, Size: 3, Inner: 20000, Start: 1, Step: 1, Count: 1}, kernels.Spread{Outer: 2, Size: 5, Inner: 3},
		},
		random: func(r *source) kernels.Operator {
			o := kernels.Spread{Outer: r.between(1, 9), Inner: r.between(1, 9), Start: r.below(4), Step: r.between(1, 3), Count: r.between(1, 6)}
			o.Size = o.Start + (o.Count-1)*o.Step + 1 + r.below(3)
			return o
		},
		perf: kernels.Spread{Outer: 512, Size: 2304, Inner: 1, Start: 768, Step: 1, Count: 768},
	}
}

func axisSums() entry {
	of := func(outer, size, inner int) kernels.Operator {
		return kernels.SumAxis{Outer: outer, Size: size, Inner: inner}
	}
	return entry{
		shapes: []kernels.Operator{
			of(3, 37, 21), of(1, 1, 1), of(2, 17000, 3), of(3, 8200, 1), of(37, 49, 1), of(1, 600, 300), of(5, 1, 9), of(9, 1, 1), of(2, 0, 5), of(700, 3, 2),
			of(64, 513, 1), of(2, 64, 1000), of(0, 4, 4), of(3, 0, 1), of(4, 3, 0),
		},
		random: func(r *source) kernels.Operator {
			inner := 1
			if r.below(3) > 0 {
				inner = r.between(1, 40)
			}
			return of(r.between(1, 20), r.between(1, 60), inner)
		},
		perf: of(64, 197, 192),
	}
}

// augmentations draw a place for each image, and rows that are dropped.
func augmentations() []entry {
	rows := byMatrix(func(r, c int) kernels.Operator {
		return kernels.RowDropout{Rows: r, Cols: c, Threshold: 0x40000000, Scale: 0x1.555556p0, OpID: uint32(r) * 0x9e3779b9}
	}, [2]int{3, 20000})
	rows.shapes = append(rows.shapes, kernels.RowDropout{Rows: 77, Cols: 2, Threshold: 0, Scale: 1}, kernels.RowDropout{Rows: 77, Cols: 2, Threshold: 1<<32 - 1, Scale: 2})
	crop := entry{
		shapes: []kernels.Operator{
			kernels.RandomCrop{N: 5, C: 3, H: 9, W: 8, OutH: 9, OutW: 8, Pad: 2, OpID: 7}, kernels.RandomCrop{N: 1, C: 1, H: 1, W: 1, OutH: 1, OutW: 1},
			kernels.RandomCrop{N: 9, C: 3, H: 32, W: 32, OutH: 32, OutW: 32, Pad: 4, OpID: 1<<32 - 1}, kernels.RandomCrop{N: 3, C: 2, H: 10, W: 7, OutH: 4, OutW: 7},
			kernels.RandomCrop{N: 20, C: 1, H: 2, W: 2, OutH: 1, OutW: 3, Pad: 6, OpID: 2}, kernels.RandomCrop{N: 2, C: 2, H: 3, W: 5, OutH: 7, OutW: 9, Pad: 2},
			kernels.RandomCrop{N: 2, C: 1, H: 0, W: 5, OutH: 2, OutW: 3, Pad: 1}, kernels.RandomCrop{N: 2, C: 1, H: 3, W: 5},
		},
		random: func(r *source) kernels.Operator {
			o := kernels.RandomCrop{N: r.between(1, 9), C: r.between(1, 3), H: r.between(1, 9), W: r.between(1, 9), Pad: r.below(4), OpID: uint32(r.next())}
			o.OutH, o.OutW = r.between(1, o.H+2*o.Pad), r.between(1, o.W+2*o.Pad)
			return o
		},
		perf: kernels.RandomCrop{N: 128, C: 3, H: 32, W: 32, OutH: 32, OutW: 32, Pad: 4},
	}
	flip := entry{
		shapes: []kernels.Operator{
			kernels.RandomFlip{N: 9, C: 3, H: 5, W: 7, Threshold: 1 << 31, OpID: 7}, kernels.RandomFlip{N: 1, C: 1, H: 1, W: 1, Threshold: 1<<32 - 1},
			kernels.RandomFlip{N: 40, C: 1, H: 3, W: 8, Threshold: 1 << 30, OpID: 1<<32 - 1}, kernels.RandomFlip{N: 3, C: 2, H: 4, W: 33},
			kernels.RandomFlip{N: 3, C: 20, H: 40, W: 41, Threshold: 1 << 31}, kernels.RandomFlip{N: 3, C: 2, H: 4, Threshold: 5},
		},
		random: func(r *source) kernels.Operator {
			return kernels.RandomFlip{N: r.between(1, 9), C: r.between(1, 3), H: r.between(1, 9), W: r.between(1, 9), Threshold: uint32(r.next()), OpID: uint32(r.next())}
		},
		perf: kernels.RandomFlip{N: 128, C: 3, H: 32, W: 32, Threshold: 1 << 31},
	}
	return []entry{rows, crop, flip}
}
