package policy

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

func uint(v uint64) Uint  { return Uint{proofs.Uint(v)} }
func int_(v int64) Int    { return Int{proofs.Int(v)} }
func hash(b ...byte) Hash { return Hash{id(b...)} }

func id(b ...byte) (h proofs.Hash) {
	copy(h[:], b)
	return h
}

// pot is a policy with every metric and a fixed pot of a million.
func pot() *Policy {
	const far = 1 << 50
	return &Policy{
		Budget: uint(1_000_000), Decimals: 6, Dust: hash(0xdd), Mode: Pot, Name: "test.pot", Version: Version,
		Validation: hash(7),
		Metrics: Metrics{
			Work:        Metric{Hi: int_(far), Weight: uint(3)},
			Quality:     Metric{Hi: int_(far), Weight: uint(2)},
			Improvement: Improvement{Hi: int_(5 * One), Lo: int_(-One), Of: Loss, Weight: uint(10)},
			Value:       Value{Hi: int_(2 * One), Lo: int_(-One), Margin: 1645, Weight: uint(100)},
		},
	}
}

// priced is a policy with a price and both caps.
func priced() *Policy {
	p := pot()
	p.Mode, p.Name = Price, "test.price"
	p.Price = &Rate{Units: uint(7), Per: uint(2)}
	p.Caps = Caps{Owner: &Uint{proofs.Uint(300_000)}, Work: &Rate{Units: uint(50), Per: uint(One)}}
	p.Reasons = []OwnReason{{Code: 512, Name: "duplicate-data"}, {Code: 600, Name: "backdoor"}}
	p.Metrics.Improvement.Least, p.Unaudited = &Int{proofs.Int(20_000_000)}, 250_000
	return p
}

func TestAPolicyComesBackWithTheSameBytesAndHash(t *testing.T) {
	for _, p := range []*Policy{pot(), priced()} {
		data, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s comes back as %s, %v", data, again, err)
		}
	}
}

// TestTheHashOfAPolicyNeverChanges pins the bytes: the hash is in jobs and
// proofs that outlive this code.
func TestTheHashOfAPolicyNeverChanges(t *testing.T) {
	for _, c := range []struct {
		p    *Policy
		want string
	}{
		{pot(), "0xc87ab2f7bbbb25f2f816c4e0c31e3285810d3db596b8e9c51072b54dc0b5e3d4"},
		{priced(), "0x50f9566dfa75ec10b75f2e06f5d0cba7c89e8ebd67d51e76a145610aac184567"},
	} {
		if got, err := c.p.Hash(); err != nil || got.String() != c.want {
			t.Errorf("%s: %s, %v, want %s", c.p.Name, got, err, c.want)
		}
	}
}

// TestAnyLanguageWritesTheSameBytes compares with a JSON writer that sorts the
// names itself, as RFC 8785 has it.
func TestAnyLanguageWritesTheSameBytes(t *testing.T) {
	data, err := priced().Encode()
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python(t), "-c", `import json,sys
doc = json.load(sys.stdin)
sys.stdout.write(json.dumps(dict(reversed(doc.items())), sort_keys=True, separators=(",", ":"), ensure_ascii=False))`)
	cmd.Stdin = &indented
	got, err := cmd.Output()
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%s, %v, want %s", got, err, data)
	}
}

func TestADocumentThatIsNotCanonicalIsRefused(t *testing.T) {
	data, err := priced().Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	for name, bad := range map[string]string{
		"empty":            "",
		"line feed":        good + "\n",
		"space":            strings.Replace(good, ":", ": ", 1),
		"unknown field":    strings.Replace(good, `{"budget"`, `{"aaa":1,"budget"`, 1),
		"repeated field":   strings.Replace(good, `{"budget"`, `{"budget":"1","budget"`, 1),
		"other case":       strings.Replace(good, `"budget"`, `"Budget"`, 1),
		"number":           strings.Replace(good, `"budget":"1000000"`, `"budget":1000000`, 1),
		"leading zero":     strings.Replace(good, `"budget":"1000000"`, `"budget":"01000000"`, 1),
		"plus":             strings.Replace(good, `"hi":"5000000000"`, `"hi":"+5000000000"`, 1),
		"fraction":         strings.Replace(good, `"decimals":6`, `"decimals":6.0`, 1),
		"129 bits":         strings.Replace(good, `"budget":"1000000"`, `"budget":"340282366920938463463374607431768211456"`, 1),
		"upper-case hash":  strings.Replace(good, `"dust":"0xdd`, `"dust":"0xDD`, 1),
		"short hash":       strings.Replace(good, `"dust":"0xdd00`, `"dust":"0xdd`, 1),
		"explicit null":    strings.Replace(good, `"caps":{`, `"caps":{"aaa":null,`, 1),
		"two documents":    good + good,
		"escaped name":     strings.Replace(good, `"test.price"`, `"\u0074est.price"`, 1),
		"too many bytes":   good + strings.Repeat(" ", MaxSize),
		"reasons backward": strings.Replace(good, `"code":600`, `"code":511`, 1),
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := Parse([]byte(bad)); err == nil || !strings.HasPrefix(err.Error(), "policy: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestAPolicyThatCannotBeAppliedIsRefusedByField(t *testing.T) {
	for field, spoil := range map[string]func(p *Policy){
		"version":                    func(p *Policy) { p.Version = "verifyd-policy/2" },
		"beacon":                     func(p *Policy) { p.Beacon = &Hash{} },
		"budget":                     func(p *Policy) { p.Budget = Uint{} },
		"decimals":                   func(p *Policy) { p.Decimals = 19 },
		"dust":                       func(p *Policy) { p.Dust = Hash{} },
		"name":                       func(p *Policy) { p.Name = "No Name" },
		"mode":                       func(p *Policy) { p.Mode = "auction" },
		"price":                      func(p *Policy) { p.Price = nil },
		"price: ":                    func(p *Policy) { p.Price.Per = Uint{} },
		"validation":                 func(p *Policy) { p.Validation = Hash{} },
		"caps.owner":                 func(p *Policy) { p.Caps.Owner = &Uint{} },
		"caps.work":                  func(p *Policy) { p.Caps.Work.Units = Uint{} },
		"metrics.improvement.least":  func(p *Policy) { p.Metrics.Improvement.Least = &Int{} },
		"unaudited":                  func(p *Policy) { p.Unaudited = All + 1 },
		"metrics.improvement.of":     func(p *Policy) { p.Metrics.Improvement.Of = "perplexity" },
		"metrics.value.by.estimator": func(p *Policy) { p.Metrics.Value.By = &Estimate{Budget: 8, Estimator: "Any"} },
		"metrics.value.margin":       func(p *Policy) { p.Metrics.Value.Margin = MaxMargin + 1 },
		"metrics.value.hi":           func(p *Policy) { p.Metrics.Value.Hi = int_(-1) },
		"metrics.improvement.lo":     func(p *Policy) { p.Metrics.Improvement.Lo = int_(1) },
		"metrics.work.lo":            func(p *Policy) { p.Metrics.Work.Lo = int_(-1) },
		"metrics.quality.lo":         func(p *Policy) { p.Metrics.Quality.Lo = int_(-1) },
		"metrics: ":                  func(p *Policy) { p.Metrics.Work.Hi = Int{proofs.Int128{Hi: 1 << 62}} },
		"metrics: no metric":         func(p *Policy) { p.Metrics = Metrics{Improvement: Improvement{Of: Loss}} },
		"reasons":                    func(p *Policy) { p.Reasons[0].Code = 511 },
		"reasons: code 600":          func(p *Policy) { p.Reasons[1].Name = "" },
		"reasons: 257":               func(p *Policy) { p.Reasons = make([]OwnReason, MaxReasons+1) },
	} {
		p := priced()
		spoil(p)
		_, err := p.Encode()
		if err == nil || !strings.HasPrefix(err.Error(), "policy: field "+field) {
			t.Errorf("%s: error %v", field, err)
		}
		if _, err := Score(p, nil); err == nil {
			t.Errorf("%s: was applied", field)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range []*Policy{pot(), priced()} {
		data, err := p.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		again, err := p.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s comes back as %s, %v", data, again, err)
		}
		// What parses can be applied.
		claim := Measurement{Worker: id(1), Task: id(2), Owner: id(3), Verdict: proofs.Verdict{Kind: proofs.Accepted},
			Work: proofs.Uint128{Hi: 1, Lo: 5}, Improvement: proofs.Int(9), Value: proofs.Int(-9), Quality: One}
		sheet, err := Score(p, []Measurement{claim})
		if err != nil {
			t.Fatal(err)
		}
		if sheet.Total.Cmp(p.Budget.Uint128) > 0 {
			t.Fatalf("total %s is above the budget %s", sheet.Total, p.Budget)
		}
	})
}
