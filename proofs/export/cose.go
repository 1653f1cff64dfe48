package export

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"

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
	return cose.Sign1(rand.Reader, s, cose.Headers{
		Protected:   cose.ProtectedHeader{cose.HeaderLabelAlgorithm: alg, cose.HeaderLabelContentType: contributionType},
		Unprotected: cose.UnprotectedHeader{cose.HeaderLabelKeyID: id[:]},
	}, body, nil)
}

// digestSigner says which digest it is given, which go-cose leaves out for ES256 and many keys ask for.
type digestSigner struct{ crypto.Signer }

func (s digestSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil {
		opts = crypto.SHA256
	}
	return s.Signer.Sign(random, digest, opts)
}

// FromCOSE is the contribution in a COSE_Sign1 that key signed.
func FromCOSE(file []byte, key crypto.PublicKey) (proofs.Contribution, error) {
	var c proofs.Contribution
	if len(file) > maxCOSE {
		return c, fmt.Errorf("COSE_Sign1: %d bytes, the limit is %d", len(file), maxCOSE)
	}
	alg, err := algorithm(key)
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
