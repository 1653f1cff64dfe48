package proofs

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// wycheproofFile is what is used of a file of Project Wycheproof's.
type wycheproofFile struct {
	NumberOfTests int
	TestGroups    []struct {
		PublicKeyDer string
		Tests        []struct {
			TCID     int `json:"tcId"`
			Comment  string
			Flags    []string
			Msg, Sig string
			Result   string
		}
	}
}

func readWycheproof(t *testing.T, name string) (f wycheproofFile) {
	t.Helper()
	file, err := wycheproof.TestVectors.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := json.NewDecoder(file).Decode(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestSignaturesPassWycheproof: whatever Wycheproof calls invalid is refused, and what it calls valid is taken unless s
// is in the upper half, which is refused by that name. The file for Bitcoin calls such a signature invalid too.
func TestSignaturesPassWycheproof(t *testing.T) {
	for name, want := range map[string]struct{ taken, high, refused int }{
		"ecdsa_secp256r1_sha256_test.json":         {103, 71, 310},
		"ecdsa_secp256k1_sha256_test.json":         {96, 72, 308},
		"ecdsa_secp256k1_sha256_bitcoin_test.json": {162, 0, 301},
		"ed25519_test.json":                        {88, 0, 63},
	} {
		t.Run(name, func(t *testing.T) {
			f := readWycheproof(t, name)
			got := want
			got.taken, got.high, got.refused = 0, 0, 0
			for _, g := range f.TestGroups {
				key, err := parseSPKI(unhex(t, g.PublicKeyDer))
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range g.Tests {
					err := key.verify("sig", unhex(t, c.Msg), unhex(t, c.Sig))
					var refused *Error
					switch valid := c.Result == "valid"; {
					case valid && err == nil:
						got.taken++
					case valid && errors.As(err, &refused) && refused.Class == class.HighS:
						got.high++
					case !valid && err != nil:
						got.refused++
					default:
						t.Errorf("test %d, %s (%s, %v): %v", c.TCID, c.Comment, c.Result, c.Flags, err)
					}
				}
			}
			if got != want || got.taken+got.high+got.refused != f.NumberOfTests {
				t.Errorf("%+v of %d, want %+v", got, f.NumberOfTests, want)
			}
		})
	}
}
