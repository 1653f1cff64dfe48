package utility

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/verifyd/verifyd/shapley"
)

// maxNumber bounds the text of a utility, in bytes.
const maxNumber = 64

var (
	errNotFinite = errors.New("is not finite")
	errNotNumber = errors.New("is no decimal number")
)

// parseFixed reads a decimal number, in JSON's spelling and at most maxNumber bytes long, as units of 1e-9: the nearest, and of
// two equally near ones the even one. It is of class errNotFinite, errNotNumber or shapley.ErrOverflow otherwise.
func parseFixed(text string) (int64, error) {
	if len(text) > maxNumber {
		return 0, fmt.Errorf("%.20q... of %d bytes %w of at most %d bytes", text, len(text), errNotNumber, maxNumber)
	}
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case "nan", "inf", "infinity":
		return 0, fmt.Errorf("%s %w", text, errNotFinite)
	}
	digits, point, exponent, ok := scan(text)
	if !ok {
		return 0, fmt.Errorf("%q %w", text, errNotNumber)
	}
	// text = digits * 10^(exponent-point); of its 64 bytes at most 4 are the exponent's, so this is short.
	power := exponent - point + 9
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return 0, fmt.Errorf("%q %w", text, errNotNumber)
	}
	if n.Sign() == 0 || power < -maxNumber-1 { // less than half of a unit
		return 0, nil
	}
	if power > 20 { // at least 1e20 units
		return 0, fmt.Errorf("%s: %w", text, shapley.ErrOverflow)
	}
	if power >= 0 {
		n.Mul(n, pow10(power))
	} else {
		n = halfEven(n, pow10(-power))
	}
	if !n.IsInt64() || n.Int64() > shapley.MaxUtility || n.Int64() < -shapley.MaxUtility {
		return 0, fmt.Errorf("%s: %w: want at most %d.%09d in magnitude", text, shapley.ErrOverflow, shapley.MaxUtility/shapley.Unit, shapley.MaxUtility%shapley.Unit)
	}
	return n.Int64(), nil
}

// scan splits a number into its digits with their sign, how many of them stand behind the point, and its exponent.
func scan(text string) (digits string, point, exponent int, ok bool) {
	mantissa, power, scientific := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	bare := strings.TrimPrefix(whole, "-")
	if !decimal(bare) || pointed && !decimal(fraction) || len(bare) > 1 && bare[0] == '0' {
		return "", 0, 0, false
	}
	if scientific {
		negative := strings.HasPrefix(power, "-")
		power = strings.TrimPrefix(strings.TrimPrefix(power, "-"), "+")
		if !decimal(power) || len(power) > 4 {
			return "", 0, 0, false
		}
		for _, c := range power {
			exponent = 10*exponent + int(c-'0')
		}
		if negative {
			exponent = -exponent
		}
	}
	return whole + fraction, len(fraction), exponent, true
}

func decimal(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// halfEven is n/d rounded to the nearest integer, d > 0.
func halfEven(n, d *big.Int) *big.Int {
	q, m := new(big.Int).DivMod(n, d, new(big.Int))
	if c := m.Lsh(m, 1).Cmp(d); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return q
}
