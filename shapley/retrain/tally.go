package retrain

import "math/big"

// tally counts rows that are predicted rightly: whole ones, and such as one of k classes that are equally likely.
type tally struct {
	whole  int64
	shared map[int]int64 // rows by k; nil while there are none
}

// add counts a row that is right as one of k classes; 0 if it is wrong.
func (t *tally) add(k int) {
	switch {
	case k == 1:
		t.whole++
	case k > 1:
		if t.shared == nil {
			t.shared = map[int]int64{}
		}
		t.shared[k]++
	}
}

// sum is what the rows count for.
func (t *tally) sum() *big.Rat {
	sum := new(big.Rat).SetInt64(t.whole)
	for k, n := range t.shared {
		sum.Add(sum, big.NewRat(n, int64(k)))
	}
	return sum
}

// rounded is x >= 0 rounded half to even, which fits an int64.
func rounded(x *big.Rat) int64 {
	q, rest := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int))
	if c := rest.Lsh(rest, 1).Cmp(x.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		return q.Int64() + 1
	}
	return q.Int64()
}
