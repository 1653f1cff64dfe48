package cosmos

import (
	"crypto/elliptic"
	"math/big"
	"slices"
	"strings"
	"testing"

	sdked25519 "github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256r1"
	"github.com/cosmos/cosmos-sdk/crypto/types"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// nativeKey is a key of a signer set as a chain stores it.
func nativeKey(t testing.TB, k proofs.Key) types.PubKey {
	t.Helper()
	x, y := new(big.Int).SetBytes(k.X[:]), new(big.Int).SetBytes(k.Y[:])
	switch k.Alg {
	case "es256":
		point := elliptic.MarshalCompressed(elliptic.P256(), x, y)
		key, err := secp256r1.NewPubKeyFromBytes(point)
		if err != nil {
			t.Fatal(err)
		}
		return key
	case "es256k":
		var fx, fy decred.FieldVal
		fx.SetByteSlice(k.X[:])
		fy.SetByteSlice(k.Y[:])
		return &secp256k1.PubKey{Key: decred.NewPublicKey(&fx, &fy).SerializeCompressed()}
	}
	return &sdked25519.PubKey{Key: k.X[:]}
}

func TestNativeKeysVerifyWhatEveryLedgerVerifies(t *testing.T) {
	p, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	var keys []types.PubKey
	for _, k := range p.Set.Keys {
		key := nativeKey(t, k)
		keys = append(keys, key)
		got, err := KeyID(key)
		want, _ := proofs.KeyID(k)
		if err != nil || got != want {
			t.Errorf("%s: %s, want %s: %v", k.Alg, got, want, err)
		}
	}
	all, err := p.Sign(p.Epoch.Root(1, scenario.Now, scenario.ID("checkpoint")), 0, 1, 2, 3, 4) // every algorithm
	if err != nil {
		t.Fatal(err)
	}
	s, err := Verify(all, 5, keys...)
	if err != nil || s != proofs.Statement(p.Epoch.Root(1, scenario.Now, scenario.ID("checkpoint"))) {
		t.Fatalf("%+v: %v", s, err)
	}
	if _, err := Verify(p.Root, 3, keys...); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		threshold int
		keys      []types.PubKey
		change    func(*proofs.Envelope)
		words     string
	}{
		"a quorum that was not reached": {4, keys, func(e *proofs.Envelope) { e.Signatures = e.Signatures[:3] }, "3 distinct signers, want 4"},
		"one signer twice": {3, keys, func(e *proofs.Envelope) {
			e.Signatures = []proofs.Signature{e.Signatures[0], e.Signatures[0], e.Signatures[1]}
		}, "2 distinct signers"},
		"a stranger":               {1, keys[:1], func(*proofs.Envelope) {}, "not a key that is trusted here"},
		"a changed body":           {3, keys, func(e *proofs.Envelope) { e.Body[95] ^= 1 }, "not of this statement"},
		"a body that is none":      {3, keys, func(e *proofs.Envelope) { e.Body = e.Body[1:] }, "bytes, want"},
		"no threshold":             {0, keys, func(*proofs.Envelope) {}, "threshold: 0"},
		"bytes behind a signature": {3, keys, func(e *proofs.Envelope) { change(e, func(sig []byte) []byte { return append(sig, 0) }) }, "sig"},
		"a high s":                 {3, keys, highS, "not of this statement"},
	} {
		env := *all
		env.Body = slices.Clone(all.Body)
		env.Signatures = slices.Clone(all.Signatures)
		c.change(&env)
		if _, err := Verify(&env, c.threshold, c.keys...); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func change(e *proofs.Envelope, f func([]byte) []byte) {
	for i := range e.Signatures {
		e.Signatures[i].Sig = f(slices.Clone(e.Signatures[i].Sig))
	}
}

// highS gives every ECDSA signature its other s, by the order of P-256 or of secp256k1: one of the two is the
// key's, and the other is no signature either.
func highS(e *proofs.Envelope) {
	change(e, func(sig []byte) []byte {
		der := cryptobyte.String(sig)
		var pair cryptobyte.String
		r, s := new(big.Int), new(big.Int)
		if !der.ReadASN1(&pair, asn1.SEQUENCE) || !pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) {
			return sig // Ed25519
		}
		s.Sub(elliptic.P256().Params().N, s)
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(r); b.AddASN1BigInt(s) })
		return b.BytesOrPanic()
	})
}
