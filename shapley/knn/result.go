package knn

import (
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// Result is the value of each training row: Numerators over Denominator, in utility 1.
type Result struct {
	Numerators  []*big.Int
	Denominator *big.Int
	Empty, Full *big.Rat // utilities of nobody and of everybody
	Residual    *big.Rat // Full - Empty - the sum of the values: what the rounding of the tables left
	Bound       *big.Rat // what the magnitude of Residual cannot exceed
	Features    *Features
	Doubtful    int      // test rows for which rounding the features may have changed values, as far as that can be told
	Rounding    *big.Rat // what rounding the features cannot have changed a value by more than; nil for Threshold and Regression if any is doubtful
}

// Value is the value of a row.
func (r *Result) Value(i int) *big.Rat {
	return new(big.Rat).SetFrac(r.Numerators[i], r.Denominator)
}

// Fixed is the value of a row in 1e-9, rounded half to even.
func (r *Result) Fixed(i int) *big.Int { return r.Rounded(r.Numerators[i]) }

// Rounded is a sum of numerators over Denominator in 1e-9, rounded half to even.
func (r *Result) Rounded(sum *big.Int) *big.Int {
	return rounded(new(big.Int).Mul(sum, big.NewInt(shapley.Unit)), r.Denominator)
}

// roundDiv is rounded where that fits an int64.
func roundDiv(a, b *big.Int) int64 { return rounded(a, b).Int64() }

// rounded is a/b rounded half to even, b > 0.
func rounded(a, b *big.Int) *big.Int {
	q, m := new(big.Int).DivMod(a, b, new(big.Int))
	if c := m.Lsh(m, 1).Cmp(b); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return q
}

// result adds the workers up.
func (j *job) result(workers []*worker) *Result {
	r := &Result{Numerators: make([]*big.Int, j.n), Empty: new(big.Rat), Bound: j.bound()}
	r.Features = j.features
	full, total, doubts := new(big.Int), new(big.Int), new(big.Int)
	for i := range r.Numerators {
		r.Numerators[i] = new(big.Int)
	}
	for _, w := range workers {
		for i, s := range r.Numerators {
			if w.exact != nil {
				own := r.Numerators[j.places[i]]
				own.Add(own, w.exact[i].big())
			} else {
				s.Add(s, big.NewInt(w.sums[i]))
			}
		}
		full.Add(full, &w.full)
		doubts.Add(doubts, big.NewInt(w.doubts))
		r.Doubtful += w.doubtful
	}
	for _, s := range r.Numerators {
		total.Add(total, s)
	}
	tests := big.NewInt(int64(j.m))
	r.Denominator = new(big.Int).Lsh(tests, j.scale)
	if j.variation != nil || r.Doubtful == 0 {
		r.Rounding = new(big.Rat).SetFrac(doubts, r.Denominator)
	}
	over := new(big.Int).Set(r.Denominator) // of full
	switch j.Variant {
	case Unweighted:
		over.Mul(tests, big.NewInt(int64(j.K)))
	case Weighted:
		over.Mul(tests, big.NewInt(j.weight))
	case SoftLabel, Threshold:
		r.Empty.SetFrac64(1, j.classes)
	case Regression:
		unit := squareUnit()
		r.Empty.SetFrac(new(big.Int).Neg(j.tables.emptyAll), new(big.Int).Mul(tests, unit))
		unit.Mul(unit, big.NewInt(int64(j.K))).Mul(unit, big.NewInt(int64(j.K)))
		over.Mul(tests, unit)
		r.Denominator.Mul(r.Denominator, unit)
	}
	r.Full = new(big.Rat).SetFrac(full, over)
	r.Residual = new(big.Rat).Sub(r.Full, r.Empty)
	r.Residual.Sub(r.Residual, new(big.Rat).SetFrac(total, r.Denominator))
	return r
}
