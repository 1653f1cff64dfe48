package utility

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
)

func TestDecimalsAreRoundedOnceToTheNearestAndTiesToEven(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "-0.0": 0, "1": 1e9, "0.1": 1e8, "1e-9": 1, "5e-10": 0, "1.5e-9": 2, "2.5e-9": 2, "-1.5e-9": -2, "-2.5e-9": -2, "-5e-10": 0,
		"5.000000000000000000000000000001e-10": 1, "4.999999999999999999999e-10": 0, "9007199.254740992": 1 << 53, "-9007199.254740992": -1 << 53,
		"1E+3": 1e12, "0e9999": 0, "1e-9999": 0, "0.30000000000000004": 300000000, "12345.678901234567": 12345678901235,
	} {
		if got, err := parseFixed(text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"NaN": errNotFinite, "nan": errNotFinite, "-inf": errNotFinite, "Infinity": errNotFinite, "": errNotNumber, "-": errNotNumber, "1.": errNotNumber, ".5": errNotNumber,
		"+1": errNotNumber, "01": errNotNumber, "1e": errNotNumber, "1e12345": errNotNumber, "0x1p3": errNotNumber, "1_0": errNotNumber, " 1": errNotNumber, "1,5": errNotNumber,
		"٣": errNotNumber, strings.Repeat("1", 65): errNotNumber, "9007199.254740993": shapley.ErrOverflow, "1e9999": shapley.ErrOverflow, "null": errNotNumber, "--1": errNotNumber,
	} {
		if _, err := parseFixed(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// FuzzAnswer holds the reader of answers to what it promises: a utility for each coalition, or one error.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"answer":0,"utilities":[0,1]}`, `{"answer":0,"utilities":["0.5",1e-3]}`, `{"answer":0,"utilities":[NaN, -Infinity]}`, `{"answer":0,"error":"x","coalition":1}`,
		`{"answer":1}`, `[]`, `{"answer":0,"utilities":[[0],{}]}`, `{"answer":18446744073709551616}`, "",
	} {
		f.Add([]byte(s))
	}
	two := []shapley.Coalition{shapley.NewCoalition(3), shapley.Everyone(3)}
	f.Fuzz(func(t *testing.T, line []byte) {
		u, err := parseAnswer(line, 0, two, []string{"a", "b", "c"})
		var e *Error
		switch {
		case err == nil && len(u) != 2:
			t.Errorf("%d utilities", len(u))
		case err != nil && (!errors.As(err, &e) || u != nil || len(err.Error()) > 3*maxReason):
			t.Errorf("%v", err)
		}
		for _, x := range u {
			if x > shapley.MaxUtility || x < -shapley.MaxUtility {
				t.Errorf("%d is beyond the scale", x)
			}
		}
	})
}

// FuzzHello holds the reader of the first line to its limits.
func FuzzHello(f *testing.F) {
	f.Add([]byte(five))
	f.Add([]byte(`{"verifyd-utility":1,"players":2,"bounds":["-1",1e3],"null":[0,1],"identity":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := parseHello(line)
		if err != nil {
			return
		}
		if h.Players < 1 || h.Players > shapley.MaxPlayers || h.Batch < 1 || h.Batch > MaxBatch || len(h.players()) != h.Players {
			t.Errorf("%+v", h)
		}
		if _, err := Root(h.players(), h.facts(), Details{h.Name}); err != nil {
			t.Error(err)
		}
	})
}

// FuzzNumber compares the reader of numbers with exact rationals.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e-9", "9007199.254740992", "1e400", "NaN", "0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseFixed(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		off := new(big.Rat).Sub(want.Mul(want, big.NewRat(shapley.Unit, 1)), big.NewRat(got, 1))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Errorf("%q became %d", text, got)
		}
	})
}
