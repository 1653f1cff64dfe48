package optest

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// entry is what the suite knows of one operator.
type entry struct {
	// shapes are the directed cases. The first is crossed with every class of data and every
	// offset, the others with ordinary numbers and with arbitrary bits.
	shapes []kernels.Operator
	// random draws a small shape, for the digests.
	random func(r *source) kernels.Operator
	// fill draws operand o of op and reports true, or leaves it to the default.
	fill func(op kernels.Operator, o kernels.Operand, c Class, r *source, b kernels.Buf) bool
	// derive replaces inputs that are outputs of another operator.
	derive func(op kernels.Operator, c Class, bufs []kernels.Buf, r *source, ref Backend) error
	// perf is a shape worth timing, and flops its floating-point operations where they, and not
	// the memory, are the limit.
	perf  kernels.Operator
	flops float64
}

// table lists every operator of DRN-1, the products in every profile. drn1/f32 stands where it stood
// before there were others, as the digests have it.
func table() []entry {
	const f32 = kernels.ProfileF32
	all := slices.Concat(products(f32), chains(), elementwise(), rows(), attention(f32), losses(), randoms(), pools(), reductions(), optimizers(), distances(), logistic(), values(),
		movements(), augmentations(), norms(), upsamples(), lstms(), sdpa(f32), []entry{matmul(f32)}, ropes())
	for _, p := range kernels.Profiles() {
		if p != f32 {
			all = slices.Concat(all, products(p), attention(p), sdpa(p), []entry{matmul(p)})
		}
	}
	return all
}

// label names op in reports and digests: its name, and behind it a profile other than drn1/f32.
func label(op kernels.Operator) string {
	if p, ok := kernels.ProfileOf(op); ok && p != kernels.ProfileF32 {
		return op.Name() + "@" + p.String()
	}
	return op.Name()
}

// Cases lists the suite's cases in a fixed order.
func Cases() []Case {
	var all []Case
	for _, e := range table() {
		main := e.shapes[0]
		for _, class := range Classes() {
			all = append(all, Case{Op: main, Data: class, entry: &e})
		}
		for offset := 1; offset < 4; offset++ {
			all = append(all, Case{Op: main, Data: Normal, Offset: offset, entry: &e})
		}
		for in := range kernels.InPlace(main) {
			pair := [2]int{len(main.Operands()) - 1, in}
			all = append(all,
				Case{Op: main, Data: Normal, inPlace: &pair, entry: &e},
				Case{Op: main, Data: AnyBits, Offset: 1, inPlace: &pair, entry: &e})
		}
		for i, op := range e.shapes[1:] {
			all = append(all,
				Case{Op: op, Data: Normal, entry: &e},
				Case{Op: op, Data: AnyBits, Offset: (i + 1) % 4, entry: &e})
		}
	}
	return all
}
