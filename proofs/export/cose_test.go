package export

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"math/big"
	"testing"

	"github.com/veraison/go-cose"

	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// otherS is the COSE_Sign1 with the other s that ECDSA accepts.
func otherS(file []byte) []byte {
	other := bytes.Clone(file)
	s := other[len(other)-32:] // the signature comes last
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(s)).FillBytes(s)
	return other
}

func TestCOSEHasTheLowerSAndNoOther(t *testing.T) {
	signer, err := scenario.ES256("verifier a")
	if err != nil {
		t.Fatal(err)
	}
	c := newPool(t).Contributions[0]
	for range 40 { // half of all signatures begin with the upper one
		file, err := COSE(c, signer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := FromCOSE(file, signer.Public()); err != nil || got != c {
			t.Fatal(err)
		}
		if _, err := FromCOSE(otherS(file), signer.Public()); err == nil {
			t.Fatal("the other s is taken")
		}
	}
}

func TestCOSEHasOneSpelling(t *testing.T) {
	es256, err := scenario.ES256("verifier a")
	if err != nil {
		t.Fatal(err)
	}
	c := newPool(t).Contributions[0]
	for _, signer := range []crypto.Signer{es256, scenario.Ed25519("verifier e")} {
		file, err := COSE(c, signer)
		if err != nil {
			t.Fatal(err)
		}
		rewritten := func(alter func(*cose.Sign1Message)) []byte {
			var m cose.Sign1Message
			if err := m.UnmarshalCBOR(file); err != nil {
				t.Fatal(err)
			}
			m.Headers.RawUnprotected = nil
			alter(&m)
			other, err := m.MarshalCBOR()
			if err != nil {
				t.Fatal(err)
			}
			return other
		}
		for name, other := range map[string][]byte{
			"without its tag":      file[1:],
			"longer array head":    append([]byte{file[0], 0x98, 0x04}, file[2:]...),
			"a byte behind":        append(bytes.Clone(file), 0),
			"a header more":        rewritten(func(m *cose.Sign1Message) { m.Headers.Unprotected["note"] = "x" }),
			"no key id":            rewritten(func(m *cose.Sign1Message) { m.Headers.Unprotected = nil }),
			"another key id":       rewritten(func(m *cose.Sign1Message) { m.Headers.Unprotected[cose.HeaderLabelKeyID] = make([]byte, 32) }),
			"key id in more bytes": bytes.Replace(file, []byte{0x58, 0x20}, []byte{0x59, 0, 0x20}, 1),
		} {
			if _, err := FromCOSE(other, signer.Public()); err == nil {
				t.Errorf("%T: %s: is taken", signer, name)
			}
		}
		for i := range file {
			other := bytes.Clone(file)
			other[i] ^= 1
			if _, err := FromCOSE(other, signer.Public()); err == nil {
				t.Errorf("%T: byte %d can be changed", signer, i)
			}
		}
	}
}
