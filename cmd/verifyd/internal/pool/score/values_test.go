package score

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// certified are values of one claim, as value score makes them.
func certified(t *testing.T, p *policy.Policy) *Values {
	t.Helper()
	hash, err := p.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return &Values{
		Version: ValuesVersion, Policy: policy.Hash{Hash: hash}, List: named(1), Certificate: named(2),
		Values: []Value{{Worker: named(3), Task: named(4), Value: number(-7), StdErr: amount(2)}},
	}
}

// TestValuesThatNobodySignedAreRefused, and those that another key signed, that
// were made under another policy, or that state a value without a certificate.
func TestValuesThatNobodySignedAreRefused(t *testing.T) {
	p, other := rules(), rules()
	other.Budget = amount(1001)
	key, err := verifytest.NewKey(3)
	if err != nil {
		t.Fatal(err)
	}
	valuer, err := verifytest.KeyOf(key)
	if err != nil {
		t.Fatal(err)
	}
	good := certified(t, p)
	signed, err := good.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadValues("f", signed, valuer, p)
	if err != nil || read.Values[0] != good.Values[0] || read.Certificate != named(2) {
		t.Fatalf("%+v, %v", read, err)
	}
	if _, err := ReadValues("f", signed, valuer, other); err == nil || !strings.Contains(err.Error(), "f: policy: ") {
		t.Errorf("under another policy: %v", err)
	}
	stranger, err := verifytest.NewKey(4)
	if err != nil {
		t.Fatal(err)
	}
	byStranger, err := good.Sign(stranger)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := document.Encode(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"another key": byStranger, "by hand": plain} {
		if _, err := ReadValues("f", data, valuer, p); err == nil || !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(v *Values){
		"a value without a certificate":    func(v *Values) { v.List, v.Certificate = policy.Hash{}, policy.Hash{} },
		"an error without a certificate":   func(v *Values) { v.Values[0].Value, v.List, v.Certificate = number(0), policy.Hash{}, policy.Hash{} },
		"a certificate without a list":     func(v *Values) { v.List = policy.Hash{} },
		"a list without a certificate":     func(v *Values) { v.Certificate = policy.Hash{} },
		"another version":                  func(v *Values) { v.Version = "verifyd-values/2" },
		"a claim twice":                    func(v *Values) { v.Values = append(v.Values, v.Values[0]) },
		"claims in another than the order": func(v *Values) { v.Values = append(v.Values, Value{}) },
	} {
		bad := certified(t, p)
		spoil(bad)
		if _, err := bad.Sign(key); err == nil {
			t.Errorf("%s: was signed", name)
		}
		raw, err := document.Sign(valuesKind, *bad, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadValues("f", raw, valuer, p); err == nil || !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSeveralDocumentsMeasureAClaimEachItsOwnPart and never the same part, of
// which one would have to be picked.
func TestSeveralDocumentsMeasureAClaimEachItsOwnPart(t *testing.T) {
	p := rules()
	valued := certified(t, p)
	measured := func(row Value) *Values {
		v := certified(t, p)
		row.Worker, row.Task = named(3), named(4)
		v.List, v.Certificate, v.Values = policy.Hash{}, policy.Hash{}, []Value{row, {Worker: named(9), Quality: 1}}
		return v
	}
	joined, err := Join([]*Values{measured(Value{Improvement: number(5), Withheld: 512}), valued, measured(Value{Quality: 8})})
	if err == nil {
		t.Errorf("two documents state the quality of worker 9: %+v", joined)
	}
	one := measured(Value{Improvement: number(5), Withheld: 512, Quality: 8})
	for _, order := range [][]*Values{{one, valued}, {valued, one}} {
		joined, err := Join(order)
		want := Value{Worker: named(3), Task: named(4), Value: number(-7), StdErr: amount(2), Improvement: number(5), Withheld: 512, Quality: 8}
		if err != nil || len(joined.Values) != 2 || joined.Values[0] != want {
			t.Errorf("%+v, %v", joined, err)
		}
	}
	if _, err := Join([]*Values{valued, certified(t, p)}); err == nil {
		t.Error("a claim has two values")
	}
	elsewhere := certified(t, p)
	elsewhere.Validation = named(5)
	if _, err := Join([]*Values{valued, elsewhere}); err == nil {
		t.Error("two validation sets")
	}
	if none, err := Join(nil); none != nil || err != nil {
		t.Errorf("%v, %v", none, err)
	}
}

func FuzzValues(f *testing.F) {
	p := rules()
	key, err := verifytest.NewKey(3)
	if err != nil {
		f.Fatal(err)
	}
	valuer, err := verifytest.KeyOf(key)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := (&Values{Version: ValuesVersion}).Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := ReadValues("f", data, valuer, p); err != nil && !strings.HasPrefix(err.Error(), "f: ") {
			t.Fatal(err)
		}
	})
}
