package launch

import "github.com/verifyd/verifyd/kernels"

// movements are the operators that copy, and the sum of what was repeated.
func movements(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.Permute:
		if j := o.Turned(); j >= 0 {
			return permuteTurned(o, j), true
		}
		return permute(o), true
	case kernels.Concat:
		return concat(o), true
	case kernels.SumAxis:
		return sumAxis(o), true
	}
	return Plan{}, false
}

func permute(o kernels.Permute) Plan {
	n := o.Operands()[1].Len
	from := operand(0)
	from.Offset = o.Offset
	args := []Arg{integer(n), from, operand(1)}
	for _, t := range o.Strides {
		args = append(args, integer(t))
	}
	for _, s := range o.Sizes[1:] {
		args = append(args, integer(s))
	}
	for _, s := range o.Sizes[1:] {
		args = append(args, divisor(s)...)
	}
	return Plan{Launches: []Launch{line("drn1_permute", parts(n, mapBlock), 256, args...)}}
}

// turnedTile is the side of a tile of drn1_permute_turned.
const turnedTile = 32

// permuteTurned moves in tiles over axis j of y and its last one.
func permuteTurned(o kernels.Permute, j int) Plan {
	const last = kernels.PermuteAxes - 1
	var sizes, strides, places []Arg
	apart, blocks, step := 0, 1, o.Sizes[last]
	for a := last - 1; a >= 0; a-- {
		if a == j {
			apart = step
		} else {
			sizes = append([]Arg{integer(o.Sizes[a])}, sizes...)
			strides = append([]Arg{integer(o.Strides[a])}, strides...)
			places = append([]Arg{integer(step)}, places...)
			blocks *= o.Sizes[a]
		}
		step *= o.Sizes[a]
	}
	blocks *= parts(o.Sizes[j], turnedTile) * parts(o.Sizes[last], turnedTile)
	from := operand(0)
	from.Offset = o.Offset
	args := []Arg{from, operand(1), integer(o.Sizes[j]), integer(apart), integer(o.Sizes[last]), integer(o.Strides[last])}
	args = append(args, sizes[1:]...)
	args = append(args, strides...)
	args = append(args, places...)
	return Plan{Launches: []Launch{line("drn1_permute_turned", blocks, 256, args...)}}
}

// concat is a launch for each part, at its place in y.
func concat(o kernels.Concat) Plan {
	var plan Plan
	operands := o.Operands()
	width := operands[len(operands)-1].Len / max(1, o.Outer)
	to := operand(len(operands) - 1)
	for i, x := range operands[:len(operands)-1] {
		run := o.Parts[i] * o.Inner
		args := append([]Arg{integer(x.Len), operand(i), to, integer(run)}, divisor(run)...)
		plan.Launches = append(plan.Launches, line("drn1_concat_part", parts(x.Len, mapBlock), 256, append(args, integer(width))...))
		to.Offset += run
	}
	return plan
}

// sumAxis sums chunks of 512 terms, then the chunks.
func sumAxis(o kernels.SumAxis) Plan {
	if o.Inner == 1 {
		return biasGrad(kernels.BiasGrad{N: 1, C: o.Outer, P: o.Size})
	}
	n := o.Outer * o.Inner
	chunks := max(1, parts(o.Size, kernels.ChainChunk))
	var plan Plan
	out := operand(1)
	if chunks > 1 {
		out, plan.Workspace = workspace(0), chunks*n
	}
	l := line("drn1_sum_axis", parts(n, 128), 128, integer(n), integer(o.Size), integer(o.Inner), operand(0), out)
	l.Grid[1] = uint32(chunks)
	plan.Launches = []Launch{l}
	if chunks > 1 {
		plan.Launches = append(plan.Launches, fold(n, chunks, kernels.ChainGroup/kernels.ChainChunk, operand(1)))
	}
	return plan
}
