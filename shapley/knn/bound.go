package knn

import (
	"math/big"

	"github.com/verifyd/verifyd/shapley"
)

// bound is how far the sum of the values may be from Full - Empty, both as they are given.
//
// Per test row, in units of 2^-scale: the table's entry i counts in the values of i rows. Each entry of inverses and
// of weightedTable is off by 1/2 at most; each of softTable, a sum of three roundings, by less than 2, and so
// are last and addFull by less than 3. In a regression entries are multiplied by targets, of a magnitude of at
// most A: what a step is off by is at most 2A (A + KA + NA), and what the farthest row's value is, half of it.
func (j *job) bound() *big.Rat {
	n := big.NewInt(int64(j.n))
	next := new(big.Int).Add(n, big.NewInt(1))
	units, parts := new(big.Int).Mul(n, next), new(big.Int).Lsh(big.NewInt(1), j.scale)
	switch j.Variant {
	case Unweighted, Weighted: // n(n+1)/4
		parts.Lsh(parts, 2)
	case SoftLabel: // (n+2)^2
		units.Mul(next.Add(next, big.NewInt(1)), next)
	case Threshold: // 3n+3
		units.Mul(next, big.NewInt(3))
	case Regression: // A^2 (1+K+N) N (N+1), over the square of K 1e9
		most := int64(0)
		for _, targets := range [][]int64{j.TrainTargets, j.TestTargets} {
			for _, y := range targets {
				most = max(most, y, -y)
			}
		}
		units.Mul(units, big.NewInt(most)).Mul(units, big.NewInt(most))
		units.Mul(units, next.Add(next, big.NewInt(int64(j.K))))
		k := big.NewInt(int64(j.K))
		parts.Mul(parts, squareUnit()).Mul(parts, k).Mul(parts, k)
	}
	b := new(big.Rat).SetFrac(units, parts)
	off := new(big.Rat).SetFrac(n.Mul(n, big.NewInt(j.Epsilon)), big.NewInt(shapley.Unit))
	return b.Add(b, off)
}
