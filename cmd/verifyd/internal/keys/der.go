package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs/es256k"
)

// Go's crypto/x509 knows P-256 and Ed25519. This page adds secp256k1, by RFC
// 5915 and RFC 5958 for the private and RFC 5480 for the public key.

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
)

type privateInfo struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

type ecPrivate struct {
	Version int
	Key     []byte
	Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

type publicInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Public    asn1.BitString
}

// private is a private key of one of the algorithms, in memory.
type private struct {
	crypto.Signer
	algorithm Algorithm
	secp256k1 *secp256k1.PrivateKey // of that algorithm only
}

// generate makes a key.
func generate(a Algorithm) (private, error) {
	switch a {
	case P256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return private{Signer: key, algorithm: a}, err
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return private{Signer: key, algorithm: a}, err
	case Secp256k1:
		key, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			return private{}, err
		}
		return private{es256k.NewSigner(key), a, key}, nil
	}
	return private{}, fmt.Errorf("algorithm %.40q is not one of %v", a, Algorithms())
}

// marshal returns the PKCS#8 DER of a private key.
func (p private) marshal() ([]byte, error) {
	if p.algorithm != Secp256k1 {
		return x509.MarshalPKCS8PrivateKey(p.Signer)
	}
	point := p.secp256k1.PubKey().SerializeUncompressed()
	inner, err := asn1.Marshal(ecPrivate{
		Version: 1, Key: p.secp256k1.Serialize(), Public: asn1.BitString{Bytes: point, BitLength: 8 * len(point)},
	})
	if err != nil {
		return nil, err
	}
	algorithm, err := secp256k1Algorithm()
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(privateInfo{0, algorithm, inner})
}

func secp256k1Algorithm() (pkix.AlgorithmIdentifier, error) {
	curve, err := asn1.Marshal(oidSecp256k1)
	return pkix.AlgorithmIdentifier{Algorithm: oidECPublicKey, Parameters: asn1.RawValue{FullBytes: curve}}, err
}

// isSecp256k1 says that an algorithm is EC on secp256k1.
func isSecp256k1(a pkix.AlgorithmIdentifier) bool {
	var curve asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(a.Parameters.FullBytes, &curve)
	return err == nil && len(rest) == 0 && a.Algorithm.Equal(oidECPublicKey) && curve.Equal(oidSecp256k1)
}

// errAlgorithm is what a key of another kind is refused with.
var errAlgorithm = fmt.Errorf("want a key on P-256 or secp256k1, or of Ed25519")

// parsePrivate reads a PKCS#8 DER.
func parsePrivate(der []byte) (private, error) {
	var info privateInfo
	if rest, err := asn1.Unmarshal(der, &info); err == nil && len(rest) == 0 && isSecp256k1(info.Algorithm) {
		var inner ecPrivate
		if rest, err := asn1.Unmarshal(info.Key, &inner); err != nil || len(rest) > 0 {
			return private{}, errors.New("not a PKCS#8 key: not in the form of RFC 5915")
		}
		return inner.secp256k1("PKCS#8")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return private{}, fmt.Errorf("not a PKCS#8 key: %w", err)
	}
	switch key := parsed.(type) {
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return private{Signer: key, algorithm: P256}, nil
		}
	case ed25519.PrivateKey:
		return private{Signer: key, algorithm: Ed25519}, nil
	}
	return private{}, errAlgorithm
}

// secp256k1 is the key on that curve, which the container says.
func (inner ecPrivate) secp256k1(container string) (private, error) {
	if inner.Version != 1 || len(inner.Key) != 32 {
		return private{}, fmt.Errorf("not a %s key: not 32 bytes on secp256k1 in the form of RFC 5915", container)
	}
	var scalar secp256k1.ModNScalar
	if over := scalar.SetByteSlice(inner.Key); over || scalar.IsZero() {
		return private{}, fmt.Errorf("not a %s key: outside 1 to the order of secp256k1", container)
	}
	key := secp256k1.NewPrivateKey(&scalar)
	if stated := inner.Public.Bytes; len(stated) > 0 && !bytes.Equal(stated, key.PubKey().SerializeUncompressed()) {
		return private{}, fmt.Errorf("not a %s key: its public half is another key's, or compressed", container)
	}
	return private{es256k.NewSigner(key), Secp256k1, key}, nil
}

// parseSEC1 reads the DER of SEC 1 (RFC 5915), as OpenSSL's ecparam writes it.
func parseSEC1(der []byte) (private, error) {
	var inner ecPrivate
	rest, err := asn1.Unmarshal(der, &inner)
	if err != nil || len(rest) > 0 {
		return private{}, errors.New("not a SEC 1 key: not in the form of RFC 5915")
	}
	if inner.Curve.Equal(oidSecp256k1) {
		return inner.secp256k1("SEC 1")
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return private{}, fmt.Errorf("not a SEC 1 key: %w", err)
	}
	if key.Curve != elliptic.P256() {
		return private{}, errAlgorithm
	}
	return private{Signer: key, algorithm: P256}, nil
}

// marshalPublic returns the SPKI DER of a public key.
func marshalPublic(pub crypto.PublicKey) ([]byte, error) {
	key, ok := pub.(*secp256k1.PublicKey)
	if !ok {
		return x509.MarshalPKIXPublicKey(pub)
	}
	algorithm, err := secp256k1Algorithm()
	if err != nil {
		return nil, err
	}
	point := key.SerializeUncompressed()
	return asn1.Marshal(publicInfo{algorithm, asn1.BitString{Bytes: point, BitLength: 8 * len(point)}})
}

// parsePublic reads an SPKI DER.
func parsePublic(der []byte) (crypto.PublicKey, error) {
	var info publicInfo
	if rest, err := asn1.Unmarshal(der, &info); err == nil && len(rest) == 0 && isSecp256k1(info.Algorithm) {
		key, err := secp256k1.ParsePubKey(info.Public.Bytes)
		if err != nil {
			return nil, fmt.Errorf("not an SPKI key: %w", err)
		}
		return key, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("not an SPKI key: %w", err)
	}
	_, err = AlgorithmOf(parsed)
	return parsed, err
}

// AlgorithmOf is the algorithm of a public key.
func AlgorithmOf(pub crypto.PublicKey) (Algorithm, error) {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return P256, nil
		}
	case *secp256k1.PublicKey:
		return Secp256k1, nil
	case ed25519.PublicKey:
		return Ed25519, nil
	}
	return "", errAlgorithm
}
