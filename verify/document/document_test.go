package document

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

type note struct {
	Version string      `json:"version"`
	Count   uint64      `json:"count"`
	Root    merkle.Hash `json:"root"`
	Author  Key         `json:"author"`
}

const noteKind = Kind("note")

func newKey(t testing.TB, number byte) (*ecdsa.PrivateKey, Key) {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{number}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

func signed(t testing.TB) (file []byte, doc note, key Key) {
	t.Helper()
	private, key := newKey(t, 1)
	doc = note{Version: "v<1>", Count: 1 << 60, Root: merkle.Hash{1, 2}, Author: key}
	file, err := Sign(noteKind, doc, private)
	if err != nil {
		t.Fatal(err)
	}
	return file, doc, key
}

func TestASignedDocumentComesBackWithItsDigest(t *testing.T) {
	file, doc, key := signed(t)
	back, digest, err := Read[note]("note.json", file, noteKind, key)
	if err != nil || back != doc {
		t.Fatalf("%+v, %v", back, err)
	}
	want, err := Digest(noteKind, doc)
	if err != nil || digest != want {
		t.Errorf("digest %v, want %v, %v", digest, want, err)
	}
	again, _, _ := signed(t)
	if bytes.Equal(again, file) {
		t.Log("signatures of this key are deterministic")
	}
	_, second, err := Read[note]("note.json", again, noteKind, key)
	if err != nil || second != digest {
		t.Error("the digest depends on the signature")
	}
	if peeked, err := Peek[note]("note.json", file, noteKind); err != nil || peeked != doc {
		t.Errorf("%+v, %v", peeked, err)
	}
}

// plainVerifier is a DSSE verifier that knows only crypto/ecdsa.
type plainVerifier struct {
	pub *ecdsa.PublicKey
	id  string
}

func (v plainVerifier) Verify(_ context.Context, data, sig []byte) error {
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(v.pub, sum[:], sig) {
		return errors.New("no")
	}
	return nil
}
func (v plainVerifier) KeyID() (string, error)   { return v.id, nil }
func (v plainVerifier) Public() crypto.PublicKey { return v.pub }

func TestOtherDSSEToolsVerifyADocument(t *testing.T) {
	file, _, key := signed(t)
	env, err := Decode[dsse.Envelope]("note.json", file)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	v, err := dsse.NewEnvelopeVerifier(plainVerifier{pub, key.ID().String()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(context.Background(), &env); err != nil {
		t.Error(err)
	}
}

// rewrap alters an envelope and writes it canonically.
func rewrap(t *testing.T, file []byte, alter func(*dsse.Envelope)) []byte {
	t.Helper()
	env, err := Decode[dsse.Envelope]("", file)
	if err != nil {
		t.Fatal(err)
	}
	alter(&env)
	out, err := Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// highS returns the other signature that ECDSA accepts.
func highS(t *testing.T, sig string) string {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		t.Fatal(err)
	}
	v.S.Sub(elliptic.P256().Params().N, v.S)
	if der, err = asn1.Marshal(v); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestEnvelopesThatAreNotExactlyRightAreRefused(t *testing.T) {
	file, doc, key := signed(t)
	private, other := newKey(t, 2)
	payload := func(text string) []byte {
		return rewrap(t, file, func(e *dsse.Envelope) { e.Payload = base64.StdEncoding.EncodeToString([]byte(text)) })
	}
	resigned := func(doc any) []byte {
		private, _ := newKey(t, 1)
		out, err := Sign(noteKind, doc, private)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	foreign, err := Sign(noteKind, doc, private)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := Encode(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data  []byte
		words string
		class fault.Class
	}{
		"empty":             {nil, "not JSON", fault.BadForm},
		"truncated":         {file[:len(file)-1], "not JSON", fault.BadForm},
		"trailing":          {append(bytes.Clone(file), '\n'), "not canonical", fault.NotCanonical},
		"leading space":     {append([]byte{' '}, file...), "not canonical", fault.NotCanonical},
		"duplicate field":   {bytes.Replace(file, []byte(`{"payloadType"`), []byte(`{"payload":"","payloadType"`), 1), "not canonical", fault.NotCanonical},
		"unknown field":     {bytes.Replace(file, []byte(`{"payloadType"`), []byte(`{"x":1,"payloadType"`), 1), "not canonical", fault.NotCanonical},
		"renamed field":     {bytes.Replace(file, []byte(`"payload":`), []byte(`"Payload":`), 1), "not canonical", fault.NotCanonical},
		"wrong type":        {[]byte(`{"payloadType":7}`), `field "payloadType": number where string is needed`, fault.BadForm},
		"deep":              {bytes.Repeat([]byte(`{"payloadType":`), 60000), "not JSON", fault.BadForm},
		"oversized":         {make([]byte, MaxSize+1), "1048577 bytes, the limit is 1048576", fault.TooLarge},
		"another kind":      {rewrap(t, file, func(e *dsse.Envelope) { e.PayloadType = Kind("job").PayloadType() }), "payloadType", fault.WrongType},
		"no signature":      {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures = []dsse.Signature{} }), "signatures: 0", fault.OutOfRange},
		"two signatures":    {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }), "signatures: 2", fault.OutOfRange},
		"payload no base64": {rewrap(t, file, func(e *dsse.Envelope) { e.Payload = "!" }), "payload: ", fault.BadForm},
		"sig no base64":     {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].Sig = "!" }), "sig: ", fault.BadForm},
		"sig no DER":        {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].Sig = "AAAA" }), "sig: ", fault.BadForm},
		"high s":            {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].Sig = highS(t, e.Signatures[0].Sig) }), "sig: ", fault.BadForm},
		"another key id":    {rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].KeyID = other.ID().String() }), "keyid", fault.BadSignature},
		"another payload":   {payload(strings.Replace(string(canonical), "v<1>", "v<2>", 1)), "signature", fault.BadSignature},
		"another signer":    {foreign, "signature", fault.BadSignature},
		"signed extra":      {resigned(rawJSON(strings.Replace(string(canonical), "{", `{"x":1,`, 1))), "not canonical", fault.NotCanonical},
		"signed overflow":   {resigned(rawJSON(strings.Replace(string(canonical), "1152921504606846976", "18446744073709551616", 1))), `field "count"`, fault.BadForm},
		"signed bad hash":   {resigned(rawJSON(strings.Replace(string(canonical), `"root":"01`, `"root":"0G`, 1))), "hexadecimal", fault.BadForm},
		"signed bad key":    {resigned(rawJSON(strings.Replace(string(canonical), `"author":"M`, `"author":"N`, 1))), "key", fault.BadKey},
	} {
		_, _, err := Read[note]("note.json", c.data, noteKind, key)
		if err == nil || !strings.HasPrefix(err.Error(), "note.json: ") || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v does not say %q", name, err, c.words)
		}
		if got := fault.Of(err); got != c.class {
			t.Errorf("%s: %v is of class %s, want %s", name, err, got, c.class)
		}
	}
}

// rawJSON is encoded as it stands.
type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestOnlyP256KeysSign(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, signer := range []crypto.Signer{p384, ed} {
		if _, err := Sign(noteKind, note{}, signer); err == nil {
			t.Errorf("%T signed", signer)
		}
	}
	if _, err := (Key{}).Public(); err == nil {
		t.Error("the zero key is a key")
	}
}

func FuzzOpen(f *testing.F) {
	file, _, key := signed(f)
	f.Add(file)
	f.Add(bytes.Replace(file, []byte("keyid"), []byte("keyId"), 1))
	f.Add(bytes.Replace(file, []byte(`"payload":"eyJ`), []byte(`"payload":"eyJ\r\n`), 1))
	f.Add([]byte(`{"payloadType":"","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) { same(t, data, key) })
}

func FuzzKey(f *testing.F) {
	_, key := newKey(f, 1)
	text, err := key.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(append(text, '\n'))
	f.Fuzz(func(t *testing.T, text []byte) {
		var k Key
		if k.UnmarshalText(text) != nil {
			return
		}
		if again, err := k.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q comes back as %q", text, again)
		}
	})
}
