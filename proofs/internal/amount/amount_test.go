package amount

import (
	"math"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

func TestWhatATotalExceedsAndWhatWasBeforeMakeTheTotal(t *testing.T) {
	words := []uint64{0, 1, 2, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	var all []proofs.Uint128
	for _, hi := range words {
		for _, lo := range words {
			all = append(all, proofs.Uint128{Hi: hi, Lo: lo})
		}
	}
	for _, total := range all {
		for _, before := range all {
			more, ok := Beyond(total, before)
			if ok != (total.Cmp(before) >= 0) || !ok && more != (proofs.Uint128{}) {
				t.Errorf("%s beyond %s: %s, %v", total, before, more, ok)
			}
			if sum, fits := before.Add(more); ok && (!fits || sum != total) {
				t.Errorf("%s and %s are %s, not %s", before, more, sum, total)
			}
		}
	}
}
