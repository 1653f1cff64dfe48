package launch

import (
	"math/bits"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// kernelsOf is what the names of the kernels that compute op in its profile begin with; ok is false if op is no
// product, or if there are none. Chunks and groups of the profile are the only places where a product's terms are
// shared out among blocks.
func kernelsOf(op kernels.Operator) (p kernels.Profile, prefix string, ok bool) {
	p, ok = kernels.ProfileOf(op)
	if !ok {
		return p, "", false
	}
	switch p {
	case kernels.ProfileF32:
		return p, "drn1_", true
	}
	return p, "", false
}

// tile is the block of outputs that one block of threads computes, product.cuh.
type tile struct {
	name       string
	rows, cols int
	threads    int
}

var tiles = [...]tile{{"large", 128, 128, 256}, {"medium", 64, 64, 128}, {"small", 32, 32, 64}}

const (
	// enoughBlocks is the number of blocks below which K is cut at chunks: about two a
	// multiprocessor of an H100.
	enoughBlocks = 256
	// partsWords bounds the workspace for chunks, 1 GiB.
	partsWords = 1 << 28
)

// product is what gemm and the convolutions have in common: rows x cols sums of terms.
type product struct {
	profile           kernels.Profile
	prefix            string // kernelsOf the profile
	kernel            string // behind it, without the tile's name
	variant           string // after the tile's name
	rows, cols, terms int
	shape             []Arg // before the split
	times             int   // how many such products there are; only matmul has several
}

func (p product) blocks(t tile) int { return parts(p.rows, t.rows) * parts(p.cols, t.cols) * p.times }

// size is the number of sums.
func (p product) size() int { return p.rows * p.cols * p.times }

func (p product) parts(split int) int { return max(1, parts(p.terms, split)) }

// choose takes the largest tile that most of the outputs fill and that gives work to half a device.
func (p product) choose() (t tile, split int) {
	chunk, group := p.profile.Chunk(), p.profile.Group()
	chunks := p.parts(chunk)
	for _, t = range tiles {
		if 4*p.rows >= 3*t.rows && 4*p.cols >= 3*t.cols && p.blocks(t)*chunks >= enoughBlocks/2 {
			break
		}
	}
	if p.blocks(t) < enoughBlocks && p.size()*chunks <= partsWords {
		return t, chunk
	}
	return t, group
}

// plan computes the product in tiles t, with K cut at multiples of split. Operands 0 and 1 are the
// factors in the kernel's order, 2 is the output.
func (p product) plan(t tile, split int) Plan {
	size, n := p.size(), p.parts(split)
	out := operand(2)
	if n > 1 {
		out = workspace(0)
	}
	plan := Plan{Launches: []Launch{{
		Kernel: p.prefix + p.kernel + "_" + t.name + p.variant,
		Grid:   [3]uint32{uint32(parts(p.cols, t.cols)), uint32(parts(p.rows, t.rows)), uint32(n * p.times)},
		Block:  [3]uint32{uint32(t.threads), 1, 1},
		Args:   append(slices.Clone(p.shape), integer(split), operand(0), operand(1), out),
	}}}
	if n > 1 {
		plan.Workspace = n * size
		plan.Launches = append(plan.Launches, fold(size, n, p.profile.Group()/split, operand(2)))
	}
	return plan
}

// fold adds up n parts of size sums at the beginning of the workspace, of which per make a group.
func fold(size, n, per int, out Arg) Launch {
	return line("drn1_product_fold", parts(size, 256), 256,
		integer(size), integer(n), integer(per), workspace(0), out)
}

// products are the operators that product.cuh computes.
func products(op kernels.Operator) (Plan, bool) {
	p, ok := productOf(op)
	if !ok {
		return Plan{}, false
	}
	return p.plan(p.choose()), true
}

func productOf(op kernels.Operator) (product, bool) {
	profile, prefix, ok := kernelsOf(op)
	if !ok {
		return product{}, false
	}
	switch o := op.(type) {
	case kernels.Gemm:
		return product{profile, prefix, "gemm", transposes(o), o.M, o.N, o.K, []Arg{integer(o.M), integer(o.N), integer(o.K)}, 1}, true
	case kernels.Matmul:
		e := o.Each
		shape := []Arg{integer(e.M), integer(e.N), integer(e.K), integer(o.Batch)}
		return product{profile, prefix, "matmul", transposes(e), e.M, e.N, e.K, shape, o.Batch}, true
	case kernels.Conv2D:
		s := o.ConvShape
		if !dense(s) {
			return product{}, false
		}
		return product{profile, prefix, "conv2d", "", s.O, s.N * s.OutH() * s.OutW(), s.C * s.KH * s.KW, convolution(s, s.OutH(), s.OutW()), 1}, true
	case kernels.Conv2DGradInput:
		s := o.ConvShape
		if !dense(s) {
			return product{}, false
		}
		return product{profile, prefix, "conv2d_grad_input", "", s.C, s.N * s.H * s.W, s.O * s.KH * s.KW, convolution(s, s.H, s.W), 1}, true
	case kernels.Conv2DGradWeight:
		s := o.ConvShape
		if !dense(s) {
			return product{}, false
		}
		return product{profile, prefix, "conv2d_grad_weight", "", s.O, s.C * s.KH * s.KW, s.N * s.OutH() * s.OutW(), convolution(s, s.OutH(), s.OutW()), 1}, true
	}
	return product{}, false
}

// transposes is what the names of the kernels of a matrix product end with.
func transposes(o kernels.Gemm) string {
	name := []byte("_nn")
	if o.TransA {
		name[1] = 't'
	}
	if o.TransB {
		name[2] = 't'
	}
	return string(name)
}

// Variants are plans of op that differ in how the work is cut, and that must give the same bits. An
// operator with one plan has one variant. Tests and measurements want them; For chooses.
func Variants(op kernels.Operator) ([]Plan, error) {
	chosen, err := For(op)
	if err != nil {
		return nil, err
	}
	p, ok := productOf(op)
	if !ok {
		return []Plan{chosen}, nil
	}
	return p.variants(op, p.plan)
}

// variants are the plans of op in all tiles and cuts.
func (p product) variants(op kernels.Operator, plan func(t tile, split int) Plan) ([]Plan, error) {
	var all []Plan
	for _, t := range tiles {
		group := p.profile.Group()
		for _, split := range []int{p.profile.Chunk(), group} {
			if p.parts(split) == p.parts(group) && split != group {
				continue // no cut at all
			}
			filled, err := plan(t, split).filled(op)
			if err != nil {
				return nil, err
			}
			all = append(all, filled)
		}
	}
	return all, nil
}

// convolution are the arguments CONV_SHAPE of conv.cuh. Pixels are counted in planes of height x
// width.
func convolution(s kernels.ConvShape, height, width int) []Arg {
	var args []Arg
	for _, n := range []int{s.N, s.C, s.H, s.W, s.O, s.KH, s.KW, s.StrideH, s.StrideW, s.PadH, s.PadW, s.OutH(), s.OutW()} {
		args = append(args, integer(n))
	}
	for _, n := range []int{s.KH * s.KW, s.KW, height * width, width, s.StrideH, s.StrideW} {
		args = append(args, divisor(n)...)
	}
	return args
}

// divisor are the two words of Divisor in product.cuh for d: with them, n/d is
// (n*magic>>32 + n) >> shift for 0 <= n < 2^31 (Granlund and Montgomery, PLDI 1994).
func divisor(d int) []Arg {
	d = max(d, 1)
	shift := bits.Len32(uint32(d - 1))
	magic := uint64(1)<<32*(uint64(1)<<shift-uint64(d))/uint64(d) + 1
	return []Arg{word(uint32(magic)), word(uint32(shift))}
}
