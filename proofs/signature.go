package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// sign returns signer's signature over message in the one form that verifiers
// take, and the key that verifies it.
func sign(message []byte, signer crypto.Signer) (Key, []byte, error) {
	key, err := NewKey(signer.Public())
	if err != nil {
		return Key{}, nil, fmt.Errorf("signing: %w", err)
	}
	// ECDSA signs a digest, pure Ed25519 the message itself (RFC 8032).
	input, hash := message, crypto.Hash(0)
	if key.Alg != algEd25519 {
		digest := sha256.Sum256(message)
		input, hash = digest[:], crypto.SHA256
	}
	sig, err := signer.Sign(rand.Reader, input, hash)
	if err != nil {
		return Key{}, nil, fmt.Errorf("signing: %w", err)
	}
	if key.Alg != algEd25519 {
		r, s, ok := splitDER(sig)
		if !ok {
			return Key{}, nil, errors.New("signing: the key returned no DER signature")
		}
		sig = joinDER(r, lower(s, key.order()))
	}
	// A signer may be hardware: what it gives is checked before it is trusted.
	if err := key.verify("sig", message, sig); err != nil {
		return Key{}, nil, fmt.Errorf("signing: the key's own signature: %w", err)
	}
	return key, sig, nil
}

// verify checks a signature over message, and that it is in its one form.
func (k Key) verify(field string, message, sig []byte) error {
	valid := false
	if k.Alg == algEd25519 {
		if len(sig) != ed25519.SignatureSize {
			return refuse(class.BadForm, field, "%d bytes, want %d for Ed25519", len(sig), ed25519.SignatureSize)
		}
		if weakPoint(Hash(sig[:32])) {
			return refuse(class.BadForm, field, "R is a point of small order, or not in its one encoding")
		}
		if !scalarBelowOrder(sig[32:]) {
			return refuse(class.BadForm, field, "s is not below the order of the group")
		}
		valid = ed25519.Verify(k.X[:], message, sig)
	} else {
		r, s, err := k.splitECDSA(field, sig)
		if err != nil {
			return err
		}
		valid = k.verifyECDSA(sha256.Sum256(message), r, s, sig)
	}
	if !valid {
		return refuse(class.BadSignature, field, "signature does not verify: the statement or the signature was changed, or another key signed")
	}
	return nil
}

func (k Key) verifyECDSA(digest, r, s Hash, der []byte) bool {
	if k.Alg == algES256 {
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.point())
		return err == nil && ecdsa.VerifyASN1(pub, digest[:], der)
	}
	pub, err := secp256k1.ParsePubKey(k.point())
	if err != nil {
		return false
	}
	var rs, ss secp256k1.ModNScalar
	rs.SetBytes((*[32]byte)(&r))
	ss.SetBytes((*[32]byte)(&s))
	return k1ecdsa.NewSignature(&rs, &ss).Verify(digest[:], pub)
}

// splitECDSA returns r and s of a signature by k. It refuses one that is not
// strict DER, and s in the upper half of the group order: both would let a
// stranger turn one signature into another.
func (k Key) splitECDSA(field string, der []byte) (r, s Hash, err error) {
	r, s, ok := splitDER(der)
	if !ok {
		return r, s, refuse(class.BadForm, field, "not the DER of r and s alone")
	}
	order := k.order()
	for _, v := range []struct {
		name  string
		value Hash
	}{{"r", r}, {"s", s}} {
		if v.value == (Hash{}) || new(big.Int).SetBytes(v.value[:]).Cmp(order) >= 0 {
			return r, s, refuse(class.BadForm, field, "%s is outside 1..n-1", v.name)
		}
	}
	if high(s, order) {
		return r, s, refuse(class.HighS, field, "s is in the upper half of the group order (high-s)")
	}
	return r, s, nil
}

// order is the order of the group of an ECDSA key.
func (k Key) order() *big.Int {
	if k.Alg == algES256 {
		return elliptic.P256().Params().N
	}
	return secp256k1.Params().N
}

// high says whether s is above (n-1)/2.
func high(s Hash, order *big.Int) bool {
	return new(big.Int).SetBytes(s[:]).Cmp(new(big.Int).Rsh(order, 1)) > 0
}

// lower is the one of s and n-s that is not high. Both verify.
func lower(s Hash, order *big.Int) Hash {
	if high(s, order) {
		new(big.Int).Sub(order, new(big.Int).SetBytes(s[:])).FillBytes(s[:])
	}
	return s
}

// splitDER reads RFC 3279's Ecdsa-Sig-Value, strictly: two integers of at most
// 256 bits that are not negative, in the fewest bytes, and nothing else.
func splitDER(der []byte) (r, s Hash, ok bool) {
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return r, s, false
	}
	rest := der[2:]
	for _, v := range []*Hash{&r, &s} {
		if len(rest) < 3 || rest[0] != 2 || rest[1] < 1 || int(rest[1]) > len(rest)-2 {
			return r, s, false
		}
		n := rest[2 : 2+rest[1]]
		rest = rest[2+len(n):]
		if n[0]&0x80 != 0 || len(n) > 1 && n[0] == 0 && n[1]&0x80 == 0 || len(n) == 33 && n[0] != 0 || len(n) > 33 {
			return r, s, false
		}
		new(big.Int).SetBytes(n).FillBytes(v[:])
	}
	return r, s, len(rest) == 0
}

// joinDER is the inverse of splitDER.
func joinDER(r, s Hash) []byte {
	var body []byte
	for _, v := range []Hash{r, s} {
		n := bytes.TrimLeft(v[:], "\x00")
		if len(n) == 0 || n[0]&0x80 != 0 {
			n = append([]byte{0}, n...)
		}
		body = append(body, 2, byte(len(n)))
		body = append(body, n...)
	}
	return append([]byte{0x30, byte(len(body))}, body...)
}

// scalarBelowOrder says whether 32 little-endian bytes are below the order of
// Ed25519's group, 2^252 + 27742317777372353535851937790883648493 (RFC 8032).
func scalarBelowOrder(s []byte) bool {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	order.SetBit(order, 252, 1)
	be := bytes.Clone(s)
	for i, j := 0, len(be)-1; i < j; i, j = i+1, j-1 {
		be[i], be[j] = be[j], be[i]
	}
	return new(big.Int).SetBytes(be).Cmp(order) < 0
}
