package cosmos

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"

	sdked25519 "github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256r1"
	"github.com/cosmos/cosmos-sdk/crypto/types"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/verifyd/verifyd/proofs"
)

// Verify returns what an envelope states if at least threshold distinct keys signed it, each by its native
// VerifySignature, and nobody else did.
func Verify(env *proofs.Envelope, threshold int, keys ...types.PubKey) (proofs.Statement, error) {
	if threshold < 1 || threshold > len(keys) {
		return nil, fmt.Errorf("threshold: %d is not one of 1 to %d, the number of keys", threshold, len(keys))
	}
	s, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return nil, err
	}
	message, err := proofs.PAE(s)
	if err != nil {
		return nil, err
	}
	byID := map[proofs.Hash]types.PubKey{}
	for i, k := range keys {
		id, err := KeyID(k)
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		byID[id] = k
	}
	signed := map[proofs.Hash]bool{}
	for i, sig := range env.Signatures {
		key := byID[sig.KeyID]
		if key == nil {
			return nil, fmt.Errorf("signatures[%d].keyid: %s is not a key that is trusted here", i, sig.KeyID)
		}
		raw, err := native(key, sig.Sig)
		if err != nil {
			return nil, fmt.Errorf("signatures[%d].sig: %w", i, err)
		}
		if !key.VerifySignature(message, raw) {
			return nil, fmt.Errorf("signatures[%d].sig: not of this statement by %s", i, sig.KeyID)
		}
		signed[sig.KeyID] = true
	}
	if len(signed) < threshold {
		return nil, fmt.Errorf("signatures: %d distinct signers, want %d", len(signed), threshold)
	}
	return s, nil
}

// KeyID is the name under which a native key signs statements.
func KeyID(key types.PubKey) (proofs.Hash, error) {
	var public crypto.PublicKey
	switch k := key.(type) {
	case *secp256r1.PubKey:
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), k.Bytes())
		if x == nil {
			return proofs.Hash{}, errors.New("secp256r1: not a point of the curve")
		}
		public = &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
	case *secp256k1.PubKey:
		point, err := decred.ParsePubKey(k.Bytes())
		if err != nil {
			return proofs.Hash{}, fmt.Errorf("secp256k1: %w", err)
		}
		public = point
	case *sdked25519.PubKey:
		public = ed25519.PublicKey(k.Bytes())
	default:
		return proofs.Hash{}, fmt.Errorf("%s: secp256r1, secp256k1 or ed25519 is needed", key.Type())
	}
	return proofs.KeyID(public)
}

// native is a signature as the SDK has it: r and s of 32 bytes each for ECDSA. That s is low the key checks.
func native(key types.PubKey, sig []byte) ([]byte, error) {
	if _, ok := key.(*sdked25519.PubKey); ok {
		return sig, nil
	}
	der := cryptobyte.String(sig)
	var pair cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !der.ReadASN1(&pair, asn1.SEQUENCE) || !der.Empty() || !pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) || !pair.Empty() {
		return nil, errors.New("not the DER of two integers")
	}
	if r.Sign() < 0 || s.Sign() < 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, errors.New("r or s is not of 256 bits")
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw, nil
}
