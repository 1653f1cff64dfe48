package document

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Kind names a type of document in its envelope: "job", "claim", and so on.
type Kind string

// PayloadType is the DSSE payload type of a kind.
func (k Kind) PayloadType() string { return "application/vnd.verifyd." + string(k) + ".v1+json" }

// Digest returns the digest of a document: the SHA-256 of its DSSE pre-authentication encoding.
func Digest(kind Kind, doc any) (merkle.Hash, error) {
	payload, err := Encode(doc)
	if err != nil {
		return merkle.Hash{}, fmt.Errorf("%s: %w", kind, err)
	}
	return digest(kind, payload), nil
}

func digest(kind Kind, payload []byte) merkle.Hash {
	return sha256.Sum256(dsse.PAE(kind.PayloadType(), payload))
}

// Sign returns the envelope of doc, signed by a P-256 key that may live in a file, in hardware or in a
// key service.
func Sign(kind Kind, doc any, signer crypto.Signer) ([]byte, error) {
	payload, err := Encode(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	key, err := NewKey(signer.Public())
	if err != nil {
		return nil, err
	}
	sum := digest(kind, payload)
	raw, err := signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%s: signing: %w", kind, err)
	}
	sig, err := lowS(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: signing: %w", kind, err)
	}
	return Encode(dsse.Envelope{
		PayloadType: kind.PayloadType(),
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures:  []dsse.Signature{{KeyID: key.ID().String(), Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
}

// Read reads the envelope of a T that key signed, and returns the document and its digest. Errors
// begin with file.
func Read[T any](file string, data []byte, kind Kind, key Key) (T, merkle.Hash, error) {
	var none T
	e, err := parse(file, data, kind)
	if err != nil {
		return none, merkle.Hash{}, err
	}
	if err := e.check(kind, key); err != nil {
		return none, merkle.Hash{}, fault.In(file, err)
	}
	doc, err := Decode[T](file, e.payload)
	if err != nil {
		return none, merkle.Hash{}, err
	}
	return doc, digest(kind, e.payload), nil
}

// Peek reads the envelope of a T without checking who signed it, for a document that names its own
// signer and for display.
func Peek[T any](file string, data []byte, kind Kind) (T, error) {
	e, err := parse(file, data, kind)
	if err != nil {
		var none T
		return none, err
	}
	return Decode[T](file, e.payload)
}

// envelope is a parsed envelope with one signature.
type envelope struct {
	payload []byte
	sig     []byte
	keyID   merkle.Hash
}

func parse(file string, data []byte, kind Kind) (envelope, error) {
	env, err := Decode[dsse.Envelope](file, data)
	if err != nil {
		return envelope{}, err
	}
	if want := kind.PayloadType(); env.PayloadType != want {
		return envelope{}, fault.New(fault.WrongType, file, "payloadType", "%.80q, %q is needed", env.PayloadType, want)
	}
	if len(env.Signatures) != 1 {
		return envelope{}, fault.New(fault.OutOfRange, file, "signatures", "%d, 1 is needed", len(env.Signatures))
	}
	var e envelope
	if e.payload, err = unbase64(env.Payload); err != nil {
		return envelope{}, fault.New(fault.BadForm, file, "payload", "%w", err)
	}
	if e.sig, err = unbase64(env.Signatures[0].Sig); err != nil {
		return envelope{}, fault.New(fault.BadForm, file, "sig", "%w", err)
	}
	if !wellFormed(e.sig) {
		return envelope{}, fault.New(fault.BadForm, file, "sig", "not DER with s in the lower half of the group order")
	}
	if e.keyID, err = merkle.ParseHash(env.Signatures[0].KeyID); err != nil {
		return envelope{}, fault.In(file, fault.Under("keyid", err))
	}
	return e, nil
}

// unbase64 reads the one spelling of some bytes. Go's decoder passes over line breaks, even a strict one.
func unbase64(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, err
	}
	if base64.StdEncoding.EncodeToString(raw) != text {
		return nil, errors.New("base64 with line breaks in it")
	}
	return raw, nil
}

func (e envelope) check(kind Kind, key Key) error {
	pub, err := key.Public()
	if err != nil {
		return err
	}
	if !verifies(pub, digest(kind, e.payload), e.sig) {
		return fault.New(fault.BadSignature, "", "", "the signature is not by the expected key")
	}
	// The key id is a hint that nobody signs; one that names another key would only mislead.
	if e.keyID != key.ID() {
		return fault.New(fault.BadSignature, "", "keyid", "names another key than the one that signed")
	}
	return nil
}

// verifies says that a signature in its one form is pub's over a digest.
func verifies(pub *ecdsa.PublicKey, sum merkle.Hash, sig []byte) bool {
	return wellFormed(sig) && ecdsa.VerifyASN1(pub, sum[:], sig)
}

// wellFormed says that a signature is in the one form of its r and s.
func wellFormed(sig []byte) bool {
	canonical, err := lowS(sig)
	return err == nil && bytes.Equal(canonical, sig)
}

// lowS returns the canonical form of a DER signature.
func lowS(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("not a DER signature")
	}
	n := elliptic.P256().Params().N
	for _, v := range []*big.Int{sig.R, sig.S} {
		if v.Sign() <= 0 || v.Cmp(n) >= 0 {
			return nil, errors.New("r or s is outside 1 to the group order")
		}
	}
	if sig.S.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		sig.S.Sub(n, sig.S)
	}
	return asn1.Marshal(sig)
}
