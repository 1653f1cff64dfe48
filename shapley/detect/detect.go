package detect

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// AUROC is the area under the receiver operating characteristic of finding flagged rows by low values: the share
// of pairs of a flagged and another row in which the flagged one has the lower value, equal ones counting half
// (Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982). compare orders values, as
// (*big.Int).Cmp does. It fails unless there is a flag for each value and rows of both kinds.
func AUROC[T any](values []T, flagged []bool, compare func(a, b T) int) (*big.Rat, error) {
	bad, err := count(len(values), flagged)
	if err != nil {
		return nil, err
	}
	if bad == len(flagged) {
		return nil, errors.New("flagged: all rows are, so that there is none to tell them from")
	}
	order := ascending(values, compare)
	halves, before := new(big.Int), 0 // pairs counted twice; flagged rows of lower values
	for i := 0; i < len(order); {
		same, equal := 0, i // flagged rows of this value, and where the next value begins
		for ; equal < len(order) && compare(values[order[equal]], values[order[i]]) == 0; equal++ {
			if flagged[order[equal]] {
				same++
			}
		}
		good := int64(equal - i - same)
		halves.Add(halves, new(big.Int).Mul(big.NewInt(good), big.NewInt(int64(2*before+same))))
		before += same
		i = equal
	}
	pairs := new(big.Int).Mul(big.NewInt(int64(2*bad)), big.NewInt(int64(len(flagged)-bad)))
	return new(big.Rat).SetFrac(halves, pairs), nil
}

// F1 is the harmonic mean of precision and recall where the rows of the lowest values are picked, the lower row first
// among equal ones: twice the flagged rows among them, over the numbers of picked and of flagged rows. It fails
// unless there is a flag for each value, a row is flagged, and 1 to all rows are picked.
func F1[T any](values []T, flagged []bool, picked int, compare func(a, b T) int) (*big.Rat, error) {
	bad, err := count(len(values), flagged)
	if err != nil {
		return nil, err
	}
	if picked < 1 || picked > len(values) {
		return nil, fmt.Errorf("picked: %d is outside 1 to %d", picked, len(values))
	}
	hits := 0
	for _, i := range ascending(values, compare)[:picked] {
		if flagged[i] {
			hits++
		}
	}
	return big.NewRat(int64(2*hits), int64(picked+bad)), nil
}

// count is the number of flagged rows.
func count(values int, flagged []bool) (bad int, err error) {
	if len(flagged) != values {
		return 0, fmt.Errorf("flagged: %d flags for %d values", len(flagged), values)
	}
	for _, f := range flagged {
		if f {
			bad++
		}
	}
	if bad == 0 {
		return 0, errors.New("flagged: no row is")
	}
	return bad, nil
}

// ascending is the rows from the lowest value, the lower row first among equal ones.
func ascending[T any](values []T, compare func(a, b T) int) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(values[a], values[b]) })
	return order
}
