package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strconv"
)

// ErrSignature is wrapped by every error that means: well formed, but not
// signed by that key.
var ErrSignature = errors.New("signature does not verify")

// es256 is ECDSA over P-256 of a SHA-256 digest with s in the lower half of
// the group order, so that a signature has one form only. On the wire it is
// DER, which is what OpenSSL and DSSE tools read.

// derSignature is RFC 3279's Ecdsa-Sig-Value.
type derSignature struct{ R, S *big.Int }

// PAE is DSSE's pre-authentication encoding (DSSE v1.0.2, protocol.md): what a
// signature is over.
func PAE(payloadType string, body []byte) []byte {
	msg := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(body)) + " "
	return append([]byte(msg), body...)
}

// KeyID is the SHA-256 of a public key in SPKI DER. It is a hint for finding a
// key and an identity for a worker; a signature is checked with the key.
func KeyID(pub *ecdsa.PublicKey) (Hash, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return Hash{}, fmt.Errorf("public key: %w", err)
	}
	return sha256.Sum256(der), nil
}

// sign returns the low-s DER signature of signer, which must hold a P-256 key,
// over the PAE of payloadType and body.
func sign(payloadType string, body []byte, signer crypto.Signer) ([]byte, *ecdsa.PublicKey, error) {
	pub, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, nil, errors.New("signing key: want ECDSA on P-256")
	}
	digest := sha256.Sum256(PAE(payloadType, body))
	raw, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	var sig derSignature
	if rest, err := asn1.Unmarshal(raw, &sig); err != nil || len(rest) > 0 {
		return nil, nil, errors.New("signing: the key returned no DER signature")
	}
	if high(sig.S) {
		sig.S.Sub(elliptic.P256().Params().N, sig.S)
	}
	der, err := asn1.Marshal(sig)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	// A signer may be hardware: what it gives is checked before it is trusted.
	if err := verify(payloadType, body, der, pub); err != nil {
		return nil, nil, fmt.Errorf("signing: the key's own %w", err)
	}
	return der, pub, nil
}

// verify checks a DER signature over the PAE of payloadType and body, and that
// it is in its one canonical form.
func verify(payloadType string, body, der []byte, pub *ecdsa.PublicKey) error {
	if pub == nil || pub.Curve != elliptic.P256() {
		return errors.New("public key: want ECDSA on P-256")
	}
	if err := checkForm(der); err != nil {
		return err
	}
	digest := sha256.Sum256(PAE(payloadType, body))
	if !ecdsa.VerifyASN1(pub, digest[:], der) {
		return ErrSignature
	}
	return nil
}

// checkForm refuses a signature that is not strict DER or whose s is in the
// upper half of the group order. Both would let a stranger turn one signature
// into another.
func checkForm(der []byte) error {
	var sig derSignature
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) > 0 {
		return errors.New("signature: not DER of r and s")
	}
	order := elliptic.P256().Params().N
	for _, v := range []struct {
		name  string
		value *big.Int
	}{{"r", sig.R}, {"s", sig.S}} {
		if v.value.Sign() <= 0 || v.value.Cmp(order) >= 0 {
			return fmt.Errorf("signature: %s is outside 1..n-1", v.name)
		}
	}
	// The decoder passes over what follows s inside the sequence; the encoder writes nothing there.
	if again, err := asn1.Marshal(sig); err != nil || !bytes.Equal(again, der) {
		return errors.New("signature: not the DER of r and s alone")
	}
	if high(sig.S) {
		return errors.New("signature: s is in the upper half of the group order (high-s)")
	}
	return nil
}

// high says whether s is in the upper half of P-256's group order.
func high(s *big.Int) bool {
	return s.Cmp(new(big.Int).Rsh(elliptic.P256().Params().N, 1)) > 0
}
