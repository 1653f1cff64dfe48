package export

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/veraison/go-cose"

	"github.com/verifyd/verifyd/proofs"
)

// maxCOSE bounds a COSE_Sign1 in bytes. One has about 800.
const maxCOSE = 4096

// COSE is a COSE_Sign1 (RFC 9052) of a contribution: ES256 or EdDSA as the signer's key is, the content type
// protected, the key id beside it. COSE has no ES256K that is registered without restrictions.
func COSE(c proofs.Contribution, signer crypto.Signer) ([]byte, error) {
	body, err := proofs.Encode(c)
	if err != nil {
		return nil, err
	}
	alg, err := algorithm(signer.Public())
	if err != nil {
		return nil, err
	}
	id, err := proofs.KeyID(signer.Public())
	if err != nil {
		return nil, err
	}
	s, err := cose.NewSigner(alg, digestSigner{signer})
	if err != nil {
		return nil, err
	}
	return cose.Sign1(rand.Reader, s, headers(alg, id), body, nil)
}

// headers are those of a contribution's COSE_Sign1, and all that it has.
func headers(alg cose.Algorithm, id proofs.Hash) cose.Headers {
	return cose.Headers{
		Protected:   cose.ProtectedHeader{cose.HeaderLabelAlgorithm: alg, cose.HeaderLabelContentType: contributionType},
		Unprotected: cose.UnprotectedHeader{cose.HeaderLabelKeyID: id[:]},
	}
}

// digestSigner says which digest it is given, which go-cose leaves out for ES256 and many keys ask for. Of the two s
// that verify it gives the lower one.
type digestSigner struct{ crypto.Signer }

func (s digestSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil {
		opts = crypto.SHA256
	}
	der, err := s.Signer.Sign(random, digest, opts)
	if _, ec := s.Public().(*ecdsa.PublicKey); err != nil || !ec {
		return der, err
	}
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("signing: the key returned no DER signature")
	}
	if high(sig.S) {
		sig.S.Sub(elliptic.P256().Params().N, sig.S)
	}
	return asn1.Marshal(sig)
}

// high says whether s is in the upper half of P-256's group order.
func high(s *big.Int) bool { return s.Cmp(new(big.Int).Rsh(elliptic.P256().Params().N, 1)) > 0 }

// FromCOSE is the contribution in a COSE_Sign1 that key signed. It takes the bytes that COSE writes and no others: a
// signature with the other s, a header that nobody signed, or CBOR in another spelling would be a second file that
// says the same.
func FromCOSE(file []byte, key crypto.PublicKey) (proofs.Contribution, error) {
	var c proofs.Contribution
	if len(file) > maxCOSE {
		return c, fmt.Errorf("COSE_Sign1: %d bytes, the limit is %d", len(file), maxCOSE)
	}
	alg, err := algorithm(key)
	if err != nil {
		return c, err
	}
	id, err := proofs.KeyID(key)
	if err != nil {
		return c, err
	}
	v, err := cose.NewVerifier(alg, key)
	if err != nil {
		return c, err
	}
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(file); err != nil {
		return c, fmt.Errorf("COSE_Sign1: %w", err)
	}
	if got := m.Headers.Protected[cose.HeaderLabelContentType]; got != contributionType {
		return c, fmt.Errorf("COSE_Sign1: content type: %.60v, %q is needed", got, contributionType)
	}
	if err := m.Verify(nil, v); err != nil {
		return c, fmt.Errorf("COSE_Sign1: signature: %w", err)
	}
	if alg == cose.AlgorithmES256 && high(new(big.Int).SetBytes(m.Signature[len(m.Signature)/2:])) {
		return c, errors.New("COSE_Sign1: signature: s is in the upper half of the group order")
	}
	again, err := (&cose.Sign1Message{Headers: headers(alg, id), Payload: m.Payload, Signature: m.Signature}).MarshalCBOR()
	if err != nil {
		return c, fmt.Errorf("COSE_Sign1: %w", err)
	}
	if !bytes.Equal(again, file) {
		return c, errors.New("COSE_Sign1: not the one of its contribution and signature, byte for byte")
	}
	if c, err = contribution(m.Payload); err != nil {
		return c, fmt.Errorf("COSE_Sign1: payload: %w", err)
	}
	return c, nil
}

func algorithm(key crypto.PublicKey) (cose.Algorithm, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return cose.AlgorithmES256, nil
		}
	case ed25519.PublicKey:
		return cose.AlgorithmEdDSA, nil
	}
	return 0, fmt.Errorf("key: %T: COSE needs P-256 or Ed25519", key)
}
