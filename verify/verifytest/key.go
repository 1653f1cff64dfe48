package verifytest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/verifyd/verifyd/verify/document"
)

// NewKey returns the key of a number from 1 to 254, always the same one: with it, the order of samples and the draws
// of challenges are the same in every run. Whoever reads this line has the key, too.
func NewKey(number byte) (*ecdsa.PrivateKey, error) {
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{number}, 32))
}

// KeyOf is the public key of a signer, as documents name it.
func KeyOf(s crypto.Signer) (document.Key, error) { return document.NewKey(s.Public()) }
