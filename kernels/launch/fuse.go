package launch

import "github.com/verifyd/verifyd/kernels"

// Calls are the plans of steps that run one after another. A product with a bias, and the activation that
// follows, become one call where that cannot be seen: every word that the steps write is written, with the
// same bits.
func Calls(steps []kernels.Call) ([]Planned, error) {
	var all []Planned
	for len(steps) > 0 {
		call, n, err := fuse(steps)
		if err != nil {
			return nil, err
		}
		all, steps = append(all, call), steps[n:]
	}
	return all, nil
}

// fuse is the call of the first n steps.
func fuse(steps []kernels.Call) (call Planned, n int, err error) {
	l, operands, n := linearOf(steps)
	if n == 0 {
		plan, err := For(steps[0].Op)
		return Planned{plan, steps[0].Operands}, 1, err
	}
	plan, err := l.Plan()
	return Planned{plan, operands}, n, err
}

// linearOf is what the first n steps are together, with its operands; n is 0 if they begin with no Linear.
func linearOf(steps []kernels.Call) (l Linear, operands []kernels.Range, n int) {
	if len(steps) < 2 {
		return l, nil, 0
	}
	g, product := steps[0].Op.(kernels.Gemm)
	b, bias := steps[1].Op.(kernels.BiasAdd)
	if !product || !bias || g.TransA || !g.TransB || b != (kernels.BiasAdd{N: g.M, C: g.N, P: 1}) {
		return l, nil, 0
	}
	y := steps[0].Operands[2]
	if steps[1].Operands[0] != y || steps[1].Operands[2] != y {
		return l, nil, 0
	}
	l = Linear{M: g.M, N: g.N, K: g.K, Profile: g.Profile}
	reads := []kernels.Range{steps[0].Operands[0], steps[0].Operands[1], steps[1].Operands[1]}
	if overlaps(y, reads) { // the bias, with which the product has nothing to do
		return l, nil, 0
	}
	operands = append(reads[:3:3], y)
	if len(steps) < 3 {
		return l, operands, 2
	}
	if _, ok := follows(steps[2].Op, g.M*g.N); !ok || steps[2].Operands[0] != y {
		return l, operands, 2
	}
	// A block may activate before another one reads its factors.
	z := steps[2].Operands[1]
	if overlaps(z, reads) || z != y && overlaps(z, []kernels.Range{y}) {
		return l, operands, 2
	}
	l.Activation = steps[2].Op
	return l, append(operands, z), 3
}

// overlaps says whether r shares words with any of others.
func overlaps(r kernels.Range, others []kernels.Range) bool {
	for _, o := range others {
		if r.Offset < o.Offset+o.Words && o.Offset < r.Offset+r.Words {
			return true
		}
	}
	return false
}
