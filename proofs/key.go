package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// The algorithms. es256 is the default; the others are for ledgers that know
// nothing else.
const (
	algES256   = "es256"   // ECDSA on P-256 over SHA-256, low-s
	algES256K  = "es256k"  // ECDSA on secp256k1 over SHA-256, low-s
	algEd25519 = "ed25519" // pure Ed25519, RFC 8032, without weak points
)

// algorithms in the order of their numbers in a signer set, from 1.
var algorithms = [...]string{algES256, algES256K, algEd25519}

func algorithmNumber(name string) uint32 {
	return uint32(slices.Index(algorithms[:], name) + 1)
}

func algorithmName(number uint32) string {
	if number < 1 || int(number) > len(algorithms) {
		return ""
	}
	return algorithms[number-1]
}

// A Key is a public key and the one algorithm that it is used with. Keys are
// comparable.
type Key struct {
	// Alg is es256, es256k or ed25519.
	Alg string
	// X and Y are the coordinates of an ECDSA key. An Ed25519 key is in X, as
	// RFC 8032 encodes it, and Y is zero.
	X, Y Hash
}

// NewKey returns the key of a public key of type *ecdsa.PublicKey (on P-256),
// *secp256k1.PublicKey (of decred's module) or ed25519.PublicKey.
func NewKey(pub crypto.PublicKey) (Key, error) {
	var k Key
	switch pub := pub.(type) {
	case Key:
		k = pub
	case *ecdsa.PublicKey:
		if pub == nil || pub.Curve != elliptic.P256() {
			return Key{}, errors.New("public key: want ECDSA on P-256")
		}
		point, err := pub.Bytes()
		if err != nil {
			return Key{}, fmt.Errorf("public key: %w", err)
		}
		k = Key{algES256, Hash(point[1:33]), Hash(point[33:])}
	case *secp256k1.PublicKey:
		if pub == nil {
			return Key{}, errors.New("public key: there is none")
		}
		point := pub.SerializeUncompressed()
		k = Key{algES256K, Hash(point[1:33]), Hash(point[33:])}
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("public key: %d bytes, want %d for Ed25519", len(pub), ed25519.PublicKeySize)
		}
		k = Key{Alg: algEd25519, X: Hash(pub)}
	default:
		return Key{}, fmt.Errorf("public key: %T is not ECDSA on P-256 or secp256k1, nor Ed25519", pub)
	}
	if err := k.check("key"); err != nil {
		return Key{}, err
	}
	return k, nil
}

// KeyID is the SHA-256 of a public key in SPKI DER, for any key that [NewKey]
// takes, or a [Key]. It is a hint for finding a key and an identity for a
// worker; a signature is checked with the key.
func KeyID(pub crypto.PublicKey) (Hash, error) {
	k, err := NewKey(pub)
	if err != nil {
		return Hash{}, err
	}
	return k.id(), nil
}

// ParseKey reads a public key file: one PEM block of type PUBLIC KEY with the
// SPKI DER of one of the three algorithms.
func ParseKey(file []byte) (Key, error) {
	block, rest := pem.Decode(file)
	switch {
	case block == nil:
		return Key{}, errors.New("public key: not a PEM file")
	case block.Type != "PUBLIC KEY":
		return Key{}, fmt.Errorf("public key: PEM block is %.40q, want PUBLIC KEY", block.Type)
	case len(rest) > 0:
		return Key{}, fmt.Errorf("public key: %d bytes after the key", len(rest))
	}
	return parseSPKI(block.Bytes)
}

// spkiHead is what comes before the point in SPKI DER (RFC 5480, RFC 8410). It
// has one form for each algorithm: named curve, uncompressed point.
func spkiHead(alg string) []byte {
	var head string
	switch alg {
	case algES256:
		head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
	case algES256K:
		head = "3056301006072a8648ce3d020106052b8104000a03420004"
	case algEd25519:
		head = "302a300506032b6570032100"
	}
	raw, _ := hex.DecodeString(head) // a constant
	return raw
}

func parseSPKI(der []byte) (Key, error) {
	for _, alg := range algorithms {
		point, ok := bytes.CutPrefix(der, spkiHead(alg))
		switch {
		case !ok:
		case alg == algEd25519 && len(point) == 32:
			return NewKey(ed25519.PublicKey(point))
		case alg != algEd25519 && len(point) == 64:
			return NewKey(Key{alg, Hash(point[:32]), Hash(point[32:])})
		}
	}
	return Key{}, refuse(class.BadKey, "key", "not the SPKI DER of a key on P-256, secp256k1 or Ed25519")
}

func (k Key) spki() []byte {
	der := append(spkiHead(k.Alg), k.X[:]...)
	if k.Alg == algEd25519 {
		return der
	}
	return append(der, k.Y[:]...)
}

func (k Key) id() Hash { return sha256.Sum256(k.spki()) }

// words is the key as a signer set holds it.
func (k Key) words() []byte {
	w := make(writer, 0, keyWords*wordSize)
	w.algorithm("", &k.Alg)
	w.hash("", &k.X)
	w.hash("", &k.Y)
	return w
}

// point is the key in SEC 1's uncompressed form.
func (k Key) point() []byte { return slices.Concat([]byte{4}, k.X[:], k.Y[:]) }

// check refuses what is no key or would verify what nobody signed.
func (k Key) check(field string) error {
	switch k.Alg {
	case algES256:
		if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.point()); err != nil {
			return refuse(class.BadKey, field, "not a point on P-256")
		}
	case algES256K:
		if _, err := secp256k1.ParsePubKey(k.point()); err != nil {
			return refuse(class.BadKey, field, "not a point on secp256k1")
		}
	case algEd25519:
		if (k.Y != Hash{}) {
			return refuse(class.BadKey, field, "y must be zero for ed25519")
		}
		if weakPoint(k.X) {
			return refuse(class.BadKey, field, "an Ed25519 point of small order, or not in its one encoding")
		}
	default:
		return refuse(class.OutOfRange, field, "algorithm %.40q is not es256, es256k or ed25519", k.Alg)
	}
	return nil
}

// weakPoint says whether an encoded point of Ed25519 is one that strict
// verifiers refuse: its y is not below 2^255-19, or its order divides 8, so
// that a signature under it proves nothing ("Taming the Many EdDSAs", 2020).
// Points with y of 0, 1, -1 and the two y of order 8 are all there are.
func weakPoint(p Hash) bool {
	y := p
	y[31] &= 0x7f
	slices.Reverse(y[:]) // big endian, for comparison
	const (
		minusOne = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec"
		order8   = "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"
		order8n  = "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"
	)
	switch hexed := hex.EncodeToString(y[:]); hexed {
	case order8, order8n:
		return true
	default:
		return hexed >= minusOne || y == Hash{} || y == Hash{31: 1}
	}
}
