// Package scenario is a pool with everything in it (verifiers, workers, an
// epoch, a log) for tests and for the vectors. All of it is derived from fixed
// names, so that it is the same on every machine and in every year.
package scenario

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"io"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/es256k"
)

// ID is an identifier by name.
func ID(name string) proofs.Hash { return sha256.Sum256([]byte(name)) }

// deterministic is a P-256 key that signs by RFC 6979.
type deterministic struct{ *ecdsa.PrivateKey }

func (k deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.PrivateKey.Sign(nil, digest, opts) // without randomness it is RFC 6979's
}

// ES256 is the P-256 key of a name, whose SHA-256 is the scalar.
func ES256(name string) (crypto.Signer, error) {
	scalar := ID(name)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	return deterministic{key}, err
}

// ES256K is the secp256k1 key of a name.
func ES256K(name string) crypto.Signer {
	scalar := ID(name)
	return es256k.NewSigner(secp256k1.PrivKeyFromBytes(scalar[:]))
}

// Ed25519 is the Ed25519 key of a name.
func Ed25519(name string) crypto.Signer {
	seed := ID(name)
	return ed25519.NewKeyFromSeed(seed[:])
}
