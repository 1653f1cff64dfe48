package odds

import (
	"math/big"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
)

// The limits of an amount's digits, so that what follows from amounts stays small.
const (
	MaxWhole    = 30
	MaxFraction = 6
)

// ParseAmount reads an amount, a share or a probability: digits, and behind a point at most six more. There is one
// spelling of each number of decimals: no sign, no exponent, no needless zero in front.
func ParseAmount(text string) (*big.Rat, error) {
	whole, fraction, point := strings.Cut(text, ".")
	switch {
	case !digits(whole) || point && !digits(fraction):
		return nil, fault.New(fault.BadForm, "", "", "%.60q: want digits, such as 12 or 0.05", text)
	case len(whole) > 1 && whole[0] == '0':
		return nil, fault.New(fault.NotCanonical, "", "", "%.60q: begins with a needless zero", text)
	case len(whole) > MaxWhole || len(fraction) > MaxFraction:
		return nil, fault.New(fault.OutOfRange, "", "", "%.60q: at most %d digits, and %d behind the point", text, MaxWhole, MaxFraction)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fault.New(fault.BadForm, "", "", "%.60q: not a number", text)
	}
	return r, nil
}

func digits(text string) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}
