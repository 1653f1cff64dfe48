package document

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Key is a P-256 public key. Its text form is the base64 of its SPKI DER. The zero Key is no key.
type Key struct{ spki string }

// NewKey takes a public key, which must be an *ecdsa.PublicKey over P-256.
func NewKey(public crypto.PublicKey) (Key, error) {
	pub, ok := public.(*ecdsa.PublicKey)
	if !ok || pub == nil || pub.Curve != elliptic.P256() {
		return Key{}, badKey("ECDSA over P-256 is needed")
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return Key{}, badKey("%w", err)
	}
	return Key{string(der)}, nil
}

func badKey(format string, args ...any) error {
	return fault.New(fault.BadKey, "", "key", format, args...)
}

// ID is the SHA-256 of the key's SPKI DER. It identifies a worker.
func (k Key) ID() merkle.Hash { return sha256.Sum256([]byte(k.spki)) }

// Public returns the key for crypto/ecdsa, or an error for the zero Key.
func (k Key) Public() (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey([]byte(k.spki))
	if err != nil {
		return nil, badKey("%w", err)
	}
	pub, ok := parsed.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, badKey("ECDSA over P-256 is needed")
	}
	return pub, nil
}

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, []byte(k.spki)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It takes only the form that MarshalText writes.
func (k *Key) UnmarshalText(text []byte) error {
	der, err := unbase64(string(text))
	if err != nil {
		return badKey("%w", err)
	}
	pub, err := Key{string(der)}.Public()
	if err != nil {
		return err
	}
	canonical, err := NewKey(pub)
	if err != nil {
		return err
	}
	if canonical.spki != string(der) {
		return badKey("not in canonical DER")
	}
	*k = canonical
	return nil
}
