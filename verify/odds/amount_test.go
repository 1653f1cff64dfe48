package odds_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/odds"
)

func TestAmountsAreReadAsTheyStand(t *testing.T) {
	for text, want := range map[string]*big.Rat{"0": new(big.Rat), "12": big.NewRat(12, 1), "0.05": big.NewRat(1, 20), "1.500000": big.NewRat(3, 2)} {
		if got, err := odds.ParseAmount(text); err != nil || got.Cmp(want) != 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, class := range map[string]fault.Class{
		"": fault.BadForm, "-1": fault.BadForm, "+1": fault.BadForm, "1e9": fault.BadForm, "1/2": fault.BadForm, "0x1": fault.BadForm, "1.": fault.BadForm,
		".5": fault.BadForm, "1_0": fault.BadForm, "NaN": fault.BadForm, "Inf": fault.BadForm, " 1": fault.BadForm, "1.2.3": fault.BadForm, "١": fault.BadForm,
		"00": fault.NotCanonical, "01.5": fault.NotCanonical,
		"0.0000001": fault.OutOfRange, strings.Repeat("9", 31): fault.OutOfRange,
	} {
		var refused *fault.Error
		if got, err := odds.ParseAmount(text); !errors.As(err, &refused) || refused.Class != class {
			t.Errorf("%q: %v, %v, want class %s", text, got, err, class)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"0", "1.5", "1e9", "00.1", strings.Repeat("9", 40), "0.1234567"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := odds.ParseAmount(text)
		if err != nil {
			var refused *fault.Error
			if !errors.As(err, &refused) || r != nil {
				t.Errorf("%q: %v, %v", text, r, err)
			}
			return
		}
		_, fraction, _ := strings.Cut(text, ".")
		if r.Sign() < 0 || r.FloatString(len(fraction)) != text {
			t.Errorf("%q is read as %v", text, r)
		}
	})
}
