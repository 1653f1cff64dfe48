package gatestudy

import (
	"context"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// twin counts the multiply-adds that step t takes an exact twin who computes no sum of products twice and leaves out terms
// of zero: for each product of the first micro-batch, the pairs of different rows, and of each the terms whose factors are
// both not zero. It does not know of more: outputs that a bias drowns, or sums that are exact. Attention's products count
// in full.
func (r *run) twin(ctx context.Context, t uint64) (terms uint64, err error) {
	if err := r.fill(t); err != nil {
		return 0, err
	}
	calls := r.spec.Plan.Tape(0).First()
	var reads []program.Read
	for i, c := range calls {
		if _, ok := kernels.FactorsOf(c.Op); ok {
			reads = append(reads, whole(i, 0, c), whole(i, 1, c))
		} else if p, ok := kernels.ProfileOf(c.Op); ok && p != 0 {
			terms += kernels.FLOPs(c.Op) / 2
		}
	}
	_, _, words, err := r.engine.Watch(ctx, t, nil, reads)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(reads); i += 2 {
		f, _ := kernels.FactorsOf(calls[reads[i].Call].Op)
		operands := [2][]uint32{words[:len(reads[i].At)], words[len(reads[i].At):][:len(reads[i+1].At)]}
		words = words[len(reads[i].At)+len(reads[i+1].At):]
		for g := range f.Groups {
			terms += pairs(different(g*f.M, f.M, f.K, f.A, operands), different(g*f.N, f.N, f.K, f.B, operands))
		}
	}
	return terms, nil
}

// pairs is how many terms of rows of two factors are both not zero.
func pairs(a, b [][]bool) (terms uint64) {
	for _, x := range a {
		for _, y := range b {
			for k, some := range x {
				if some && y[k] {
					terms++
				}
			}
		}
	}
	return terms
}

// operands is the number of elements that a twin looks at.
func operands(p *program.Plan) (words int) {
	for _, c := range p.Tape(0).First() {
		if _, ok := kernels.FactorsOf(c.Op); ok {
			words += c.Operands[0].Words + c.Operands[1].Words
		}
	}
	return words
}

// whole reads an operand of a call.
func whole(call, operand int, c kernels.Call) program.Read {
	at := make([]int32, c.Operands[operand].Words)
	for i := range at {
		at[i] = int32(i)
	}
	return program.Read{Call: call, Operand: operand, At: at}
}

// different are those of some rows of a factor of which no other has the same bits, and of those where they are not zero.
func different(first, rows, terms int, f kernels.Factor, operands [2][]uint32) (all [][]bool) {
	seen := map[string]bool{}
	key := make([]byte, 0, 4*terms)
	for i := first; i < first+rows; i++ {
		some := make([]bool, terms)
		key = key[:0]
		for k := range terms {
			bits := uint32(0)
			if e := f.At(i, k); e >= 0 {
				bits = operands[f.Operand][e]
			}
			some[k] = math.Float32frombits(bits) != 0
			key = append(key, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			all = append(all, some)
		}
	}
	return all
}
