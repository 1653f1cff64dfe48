package odds_test

import (
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/verify/odds"
)

func TestTheOddsAreExact(t *testing.T) {
	// Against direct counting: of all subsets of k out of n, those that meet the first b.
	for n := uint64(1); n <= 10; n++ {
		for k := uint64(1); k <= n; k++ {
			for b := uint64(0); b <= n; b++ {
				met, all := int64(0), int64(0)
				for set := range uint64(1) << n {
					if ones(set) != k {
						continue
					}
					all++
					if set&(1<<b-1) != 0 {
						met++
					}
				}
				if got := odds.Caught(n, k, b); got.Cmp(big.NewRat(met, all)) != 0 {
					t.Fatalf("n=%d k=%d b=%d: %v, want %d/%d", n, k, b, got, met, all)
				}
			}
		}
	}
}

func ones(x uint64) (n uint64) {
	for ; x > 0; x &= x - 1 {
		n++
	}
	return n
}

func TestOneLieAmongNIsDrawnWithKOfN(t *testing.T) {
	for _, c := range [][2]uint64{{50, 5}, {1000, 50}, {16_777_216, 4096}, {3, 3}} {
		want := new(big.Rat).SetFrac64(int64(c[1]), int64(c[0]))
		if got := odds.Caught(c[0], c[1], 1); got.Cmp(want) != 0 {
			t.Errorf("%d of %d: %v", c[1], c[0], got)
		}
	}
}

func TestWhatAGateAddsIsOfWhatChanceMissed(t *testing.T) {
	got := odds.With(big.NewRat(1, 10), big.NewRat(9, 10))
	if want := big.NewRat(91, 100); got.Cmp(want) != 0 {
		t.Errorf("%v, want %v", got, want)
	}
	if o := odds.Of(50, 5, ""); o.Measured != (odds.Measured{}) || o.Lie != "5/50" {
		t.Errorf("%+v: no gate, and a measured power", o)
	}
	if o := odds.Of(50, 5, "of nobody"); o.Measured != (odds.Measured{}) {
		t.Errorf("%+v: nothing was measured of this gate", o)
	}
}

func TestDecimalsAreRoundedDown(t *testing.T) {
	for text, p := range map[string]*big.Rat{
		"0.666666": big.NewRat(2, 3), "1.000000": big.NewRat(1, 1), "0.000000": big.NewRat(1, 2_000_000), "12.500000": big.NewRat(25, 2),
	} {
		if got := odds.Decimal(p); got != text {
			t.Errorf("%v: %s, want %s", p, got, text)
		}
	}
}
