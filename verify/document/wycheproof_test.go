package document

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/c2sp/wycheproof"
)

// TestSignaturesPassWycheproof: whatever Wycheproof calls invalid is refused, and what it calls valid is taken unless s
// is in the upper half of the group order.
func TestSignaturesPassWycheproof(t *testing.T) {
	file, err := wycheproof.TestVectors.Open("ecdsa_secp256r1_sha256_test.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKeyDer string
			Tests        []struct {
				TCID     int `json:"tcId"`
				Comment  string
				Msg, Sig string
				Result   string
			}
		}
	}
	if err := json.NewDecoder(file).Decode(&all); err != nil {
		t.Fatal(err)
	}
	unhex := func(text string) []byte {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var taken, high, refused int
	for _, g := range all.TestGroups {
		parsed, err := x509.ParsePKIXPublicKey(unhex(g.PublicKeyDer))
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewKey(parsed)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := key.Public()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range g.Tests {
			sum, sig := sha256.Sum256(unhex(c.Msg)), unhex(c.Sig)
			is := verifies(pub, sum, sig)
			lower, err := lowS(sig)
			switch {
			case c.Result == "valid" && is:
				taken++
			case c.Result == "valid" && err == nil && verifies(pub, sum, lower):
				high++
			case c.Result != "valid" && !is:
				refused++
			default:
				t.Errorf("test %d, %s: %s, but verifies: %v", c.TCID, c.Comment, c.Result, is)
			}
		}
	}
	if taken != 103 || high != 71 || refused != 310 || taken+high+refused != all.NumberOfTests {
		t.Errorf("%d taken, %d with high s and %d refused of %d", taken, high, refused, all.NumberOfTests)
	}
}
