package launch

import "github.com/verifyd/verifyd/kernels"

// norms are the normalisations of channels and of groups of them.
func norms(op kernels.Operator) (Plan, bool) {
	switch o := op.(type) {
	case kernels.BatchNorm:
		return batchNorm(o), true
	case kernels.BatchNormGrad:
		s := channels{o.N, o.C, o.P}
		plan := s.params(operand(0), operand(2), operand(3), operand(4), operand(6), operand(7), flag(false), float(0))
		plan.Launches = append(plan.Launches, s.each("drn1_batch_norm_grad", []Arg{operand(0), operand(1), operand(2), operand(3), operand(4), operand(6), operand(7), operand(5)},
			float(inverse(o.N*o.P))))
		return plan, true
	case kernels.BatchNormFrozen:
		s := channels{o.N, o.C, o.P}
		return one(s.each("drn1_batch_norm", []Arg{operand(0), operand(1), operand(2), operand(3), operand(4), operand(5)}, flag(true), float(o.Eps)))
	case kernels.BatchNormFrozenGrad:
		s := channels{o.N, o.C, o.P}
		plan := s.params(operand(0), operand(2), operand(3), operand(4), operand(6), operand(7), flag(true), float(o.Eps))
		plan.Launches = append(plan.Launches, s.each("drn1_batch_norm_frozen_grad", []Arg{operand(1), operand(3), operand(4), operand(5)}, float(o.Eps)))
		return plan, true
	case kernels.GroupNorm:
		if o.Groups < 1 {
			return Plan{}, false
		}
		return one(groupRows("drn1_group_norm", o.N, o.C, o.P, o.Groups,
			operand(0), operand(1), operand(2), operand(3), operand(4), operand(5), float(inverse(o.C/o.Groups*o.P)), float(o.Eps)))
	case kernels.GroupNormGrad:
		return groupNormGrad(o)
	}
	return Plan{}, false
}

// channels are C vectors of N*P terms, kernels.BatchNorm's.
type channels struct{ n, c, p int }

func (s channels) terms() int  { return s.n * s.p }
func (s channels) blocks() int { return blocks(s.terms()) }

// sums is a launch that leaves a number for each block of each channel: its arguments are the shape, then more.
func (s channels) sums(kernel string, more ...Arg) Launch {
	args := append([]Arg{integer(s.terms()), integer(s.c), integer(s.p)}, divisor(s.p)...)
	l := line(kernel, s.blocks(), 128, append(args, more...)...)
	l.Grid[1] = uint32(s.c)
	return l
}

// each is a launch that treats each element alone: its arguments are the elements, operands, the shape, then more.
func (s channels) each(kernel string, operands []Arg, more ...Arg) Launch {
	n := s.terms() * s.c
	args := append(append([]Arg{integer(n)}, operands...), integer(s.c))
	return line(kernel, parts(n, mapBlock), 256, append(append(args, divisor(s.p)...), more...)...)
}

// params sums dgamma and dbeta from the blocks of all channels.
func (s channels) params(x, mean, spread, dy, dgamma, dbeta Arg, more ...Arg) Plan {
	sums := s.sums("drn1_channel_grad_sums", append([]Arg{x, mean, spread, dy, workspace(0)}, more...)...)
	return s.folded(sums, dgamma, dbeta)
}

// folded is sums, whose blocks are those of dgamma and then of dbeta, and the sums of the blocks.
func (s channels) folded(sums Launch, dgamma, dbeta Arg) Plan {
	sums.Grid[2] = 2
	n := s.c * s.blocks()
	return Plan{Workspace: 2 * n, Launches: []Launch{
		sums,
		byRow("drn1_row_sum", s.c, s.blocks(), workspace(0), dgamma),
		byRow("drn1_row_sum", s.c, s.blocks(), workspace(n), dbeta),
	}}
}

func batchNorm(o kernels.BatchNorm) Plan {
	s := channels{o.N, o.C, o.P}
	inv := float(inverse(s.terms()))
	return Plan{Workspace: s.c * s.blocks(), Launches: []Launch{
		s.sums("drn1_channel_sums", operand(0), workspace(0)),
		byRow("drn1_channel_mean", s.c, s.blocks(), workspace(0), operand(4), inv),
		s.sums("drn1_channel_deviations", operand(0), operand(4), workspace(0)),
		byRow("drn1_channel_rstd", s.c, s.blocks(), workspace(0), operand(5), operand(6), inv, float(o.Eps)),
		s.each("drn1_batch_norm", []Arg{operand(0), operand(1), operand(2), operand(4), operand(6), operand(3)}, flag(false), float(0)),
	}}
}

// groupRows is a launch of a warp for each group of each image.
func groupRows(kernel string, n, c, p, groups int, more ...Arg) Launch {
	args := append([]Arg{integer(groups), integer(c / groups)}, divisor(p)...)
	return byRow(kernel, n*groups, c/groups*p, append(args, more...)...)
}

func groupNormGrad(o kernels.GroupNormGrad) (Plan, bool) {
	if o.Groups < 1 {
		return Plan{}, false
	}
	s := channels{o.N, o.C, o.P}
	args := append([]Arg{integer(s.terms()), integer(o.C), integer(o.P), integer(o.Groups), integer(o.C / o.Groups)}, divisor(o.P)...)
	sums := line("drn1_group_norm_params", s.blocks(), 128, append(args, operand(0), operand(2), operand(3), operand(4), workspace(0))...)
	sums.Grid[1] = uint32(o.C)
	plan := s.folded(sums, operand(6), operand(7))
	plan.Launches = append(plan.Launches, groupRows("drn1_group_norm_grad", o.N, o.C, o.P, o.Groups,
		operand(0), operand(1), operand(2), operand(3), operand(4), operand(5), float(inverse(o.C/o.Groups*o.P))))
	return plan, true
}
