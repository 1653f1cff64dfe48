package witness_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/verifytest"
	"github.com/verifyd/verifyd/verify/witness"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var one, two, three = verifytest.NewWitness("w1.example"), verifytest.NewWitness("w2.example"), verifytest.NewWitness("w3.example")

// logs is a log of three entries and what asks for two of its three witnesses.
func logs(t testing.TB) (*verifytest.Log, *witness.Log) {
	t.Helper()
	l := verifytest.NewLog("log.example/pool")
	for _, entry := range []string{"a", "b", "c"} {
		must(l.Append([]byte(entry)))(t)
	}
	return l, must(witness.NewLog(l.Key(), []string{one.Key(), two.Key(), three.Key()}, 2))(t)
}

func TestAnEntryIsDatedByAsManyWitnessesAsAreNeeded(t *testing.T) {
	l, checked := logs(t)
	other := verifytest.NewLog("other.example")
	must(other.Append([]byte("b")))(t)
	stranger := verifytest.NewWitness("w4.example")
	for name, c := range map[string]struct {
		proof       []byte
		holds, seen fault.Class
	}{
		"by two":                     {must(l.Proof(1, 99, one, three))(t), "", ""},
		"by all":                     {must(l.Proof(1, 99, one, two, three))(t), "", ""},
		"by two and a stranger":      {must(l.Proof(1, 99, one, stranger, three))(t), "", ""},
		"by one":                     {must(l.Proof(1, 99, one))(t), fault.BadSignature, fault.BadSignature},
		"by one, twice":              {must(l.Proof(1, 99, one, one))(t), fault.BadSignature, fault.BadSignature},
		"by one and a stranger":      {must(l.Proof(1, 99, one, stranger))(t), fault.BadSignature, fault.BadSignature},
		"by nobody":                  {must(l.Proof(1, 99))(t), fault.BadSignature, fault.BadSignature},
		"by two, at that very time":  {must(l.Proof(1, 100, one, two))(t), fault.Undated, fault.Undated},
		"of another entry":           {must(l.Proof(2, 99, one, two))(t), fault.WrongDigest, fault.WrongDigest},
		"in another log":             {must(other.Proof(0, 99, one, two))(t), fault.BadSignature, ""},
		"nothing":                    {nil, fault.BadForm, fault.BadForm},
		"more than a proof can have": {bytes.Repeat([]byte("x"), witness.MaxProof+1), fault.TooLarge, fault.TooLarge},
	} {
		if got := fault.Of(checked.Holds(c.proof, []byte("b"), 100)); got != c.holds {
			t.Errorf("%s: in the log: %q, want %q", name, got, c.holds)
		}
		if got := fault.Of(checked.Saw(c.proof, []byte("b"), 100)); got != c.seen {
			t.Errorf("%s: seen anywhere: %q, want %q", name, got, c.seen)
		}
	}
	if err := checked.Holds(must(l.Proof(1, 1<<40, one, two))(t), []byte("b"), witness.AnyTime); err != nil {
		t.Errorf("at any time: %v", err)
	}
}

func TestALogWithoutWitnessesDatesNothing(t *testing.T) {
	l, _ := logs(t)
	plain := must(witness.NewLog(l.Key(), nil, 0))(t)
	proof := must(l.Proof(1, 99, one, two, three))(t)
	if err := plain.Holds(proof, []byte("b"), 100); err != nil || plain.Dates() {
		t.Errorf("it has the entry: %v", err)
	}
	if err := plain.Saw(proof, []byte("b"), 100); fault.Of(err) != fault.Undated || !strings.Contains(err.Error(), "no witnesses") {
		t.Errorf("%v", err)
	}
}

func TestKeysThatNothingCanBeCheckedWithAreRefused(t *testing.T) {
	l := verifytest.NewLog("log.example/pool")
	key := l.Key()
	named := func(name string) string { return verifytest.NewLog(name).Key() }
	must(witness.NewLog(named(strings.Repeat("l", 255)), nil, 0))(t)
	again := strings.Replace(one.Key(), "w1.example", "w9.example", 1) // the hash is of another name
	for name, c := range map[string]struct {
		key       string
		witnesses []string
		threshold uint32
	}{
		"empty":                     {"", nil, 0},
		"no key":                    {"log.example", nil, 0},
		"another hash":              {key[:strings.Index(key, "+")] + "+00000000" + key[strings.LastIndex(key, "+"):], nil, 0},
		"a space":                   {" " + key, nil, 0},
		"a name with a space":       {named("log\u00a0example"), nil, 0},
		"a name with a control":     {named("log\x7fexample"), nil, 0},
		"a name that is not UTF-8":  {named("log\xffexample"), nil, 0},
		"a name past its limit":     {named(strings.Repeat("l", 256)), nil, 0},
		"a line feed behind it":     {key + "\n", nil, 0},
		"a witness as the log":      {one.Key(), nil, 0},
		"the log as a witness":      {key, []string{key}, 1},
		"one witness twice":         {key, []string{one.Key(), one.Key()}, 1},
		"another name's hash":       {key, []string{again}, 1},
		"a threshold without any":   {key, nil, 1},
		"more than there are":       {key, []string{one.Key()}, 2},
		"none of those there are":   {key, []string{one.Key()}, 0},
		"more than a log can have":  {key, make([]string, witness.MaxWitnesses+1), 1},
		"a key as long as a letter": {key + strings.Repeat("A", 1024), nil, 0},
	} {
		if _, err := witness.NewLog(c.key, c.witnesses, c.threshold); fault.Of(err) != fault.BadTerms {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTwoKeysThatASignatureCouldBeOfAreRefused grinds two keys of one name until four bytes of their hashes are equal:
// no proof could be read with both.
func TestTwoKeysThatASignatureCouldBeOfAreRefused(t *testing.T) {
	keys := map[string]string{}
	for i := uint64(0); ; i++ {
		material := make([]byte, 33)
		material[0] = 4
		binary.BigEndian.PutUint64(material[1:], i)
		sum := sha256.Sum256(append([]byte("w.example\n"), material...))
		hash := hex.EncodeToString(sum[:4])
		key := "w.example+" + hash + "+" + base64.StdEncoding.EncodeToString(material)
		if other, ok := keys[hash]; ok {
			_, err := witness.NewLog(verifytest.NewLog("log.example").Key(), []string{other, key}, 1)
			if fault.Of(err) != fault.BadTerms || !strings.Contains(err.Error(), "name and hash") {
				t.Errorf("%s, %s: %v", other, key, err)
			}
			return
		}
		keys[hash] = key
	}
}

// TestNoByteOfAProofCanBeAltered flips every bit: what is left never shows the entry.
func TestNoByteOfAProofCanBeAltered(t *testing.T) {
	l, checked := logs(t)
	proof := must(l.Proof(1, 99, one, two))(t)
	for i := range proof {
		for bit := range 8 {
			altered := bytes.Clone(proof)
			altered[i] ^= 1 << bit
			err := checked.Holds(altered, []byte("b"), 100)
			if class := fault.Of(err); err == nil || class.Blames() != fault.Bundle {
				t.Errorf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
}

func FuzzProof(f *testing.F) {
	l, checked := logs(f)
	good := must(l.Proof(1, 99, one, two))(f)
	f.Add(good)
	f.Add(must(l.Proof(0, 99))(f))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n1\n\n"))
	f.Fuzz(func(t *testing.T, proof []byte) {
		err := checked.Holds(proof, []byte("b"), 100)
		if err == nil && !bytes.HasPrefix(proof, good[:bytes.LastIndex(good, []byte("\n\n"))]) {
			t.Errorf("shown by %q", proof)
		}
		if err != nil && (fault.Of(err).Blames() != fault.Bundle || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q", err)
		}
	})
}
