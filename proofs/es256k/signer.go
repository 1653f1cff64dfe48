// Package es256k makes secp256k1 keys into [crypto.Signer]s, which Go's
// standard library does not know. Ledgers that verify nothing else need it;
// everyone else is better served by P-256.
package es256k

import (
	"crypto"
	"errors"
	"io"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// A Signer signs SHA-256 digests by ECDSA on secp256k1.
type Signer struct{ key *secp256k1.PrivateKey }

// NewSigner returns the signer of a private key.
func NewSigner(key *secp256k1.PrivateKey) *Signer { return &Signer{key} }

// Public is the public key, of type *secp256k1.PublicKey of decred's module.
func (s *Signer) Public() crypto.PublicKey { return s.key.PubKey() }

// Sign returns the DER of the signature of a SHA-256 digest, with low s. It is
// deterministic (RFC 6979): rand is not read.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("es256k: want a SHA-256 digest")
	}
	return ecdsa.Sign(s.key, digest).Serialize(), nil
}
