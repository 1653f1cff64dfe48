package simulated

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
)

// What the contracts' ABI calls their tuples.
type (
	abiKey struct {
		Alg  uint32
		X, Y [32]byte
	}
	abiSignature struct {
		Key  *big.Int
		R, S [32]byte
	}
	abiLeaf struct {
		Account    common.Address
		Cumulative *big.Int
		Detail     [32]byte
	}
)

func bigOf(u proofs.Uint128) *big.Int {
	n := new(big.Int).Lsh(new(big.Int).SetUint64(u.Hi), 64)
	return n.Or(n, new(big.Int).SetUint64(u.Lo))
}

func arrays(hashes []proofs.Hash) [][32]byte {
	out := make([][32]byte, len(hashes))
	for i, h := range hashes {
		out[i] = h
	}
	return out
}

// TestCallsAreWhatTheABISays compares what package evm encodes with what
// go-ethereum makes of the compiled contracts' ABI.
func TestCallsAreWhatTheABISays(t *testing.T) {
	minter := readArtifact(t, "CumulativeMinter").ABI
	same := func(name string, got []byte, err error, method string, args ...any) {
		t.Helper()
		want, packErr := minter.Pack(method, args...)
		if err != nil || packErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x (%v), want\n%x (%v)", name, got, err, want, packErr)
		}
	}
	same("finalize", evm.Finalize(), nil, "finalize")
	same("veto", evm.Veto(), nil, "veto")
	epochCap := proofs.Uint128{Hi: 3, Lo: 5}
	same("setPolicy", evm.SetPolicy(policy, epochCap), nil, "setPolicy", [32]byte(policy), bigOf(epochCap))

	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	var keys []abiKey
	for i, k := range pool.Set.Keys {
		keys = append(keys, abiKey{[]uint32{1, 1, 1, 2, 3}[i], k.X, k.Y})
	}
	got, err := evm.SetSigners(pool.Set)
	same("setSigners", got, err, "setSigners", uint64(1), keys, uint8(3))

	root, err := pool.Sign(pool.Epoch.Root(1, scenario.Now, scenario.ID("checkpoint")), 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	var signatures []abiSignature
	for place := 1; place <= 3; place++ {
		id, err := proofs.KeyID(pool.Set.Keys[place])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range root.Signatures {
			if s.KeyID == id {
				r, s := integers(s.Sig)
				signatures = append(signatures, abiSignature{big.NewInt(int64(place)), r, s})
			}
		}
	}
	got, err = evm.PostRoot(root, pool.Set)
	same("postRoot", got, err, "postRoot", root.Body, signatures)

	back, err := pool.Sign(proofs.Revocation{
		Audience: pool.Set.Audience, PoolID: pool.Set.PoolID, Epoch: 2, Target: sha256.Sum256(root.Body), TargetKind: 2, SignerSet: 1, IssuedAt: scenario.Now,
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	alone := pool.Set
	alone.Threshold = 1
	r, s := integers(back.Signatures[0].Sig)
	for _, history := range [][]evm.Link{nil, {{Root: scenario.ID("a"), Total: epochCap, Epoch: 7, Below: scenario.ID("b")}, {Root: scenario.ID("c")}}} {
		got, err = evm.Revoke(root, back, alone, history)
		same("revoke", got, err, "revoke", root.Body, back.Body, []abiSignature{{big.NewInt(3), r, s}}, abiLinks(history))
	}

	b, err := pool.Bundle(2)
	if err != nil {
		t.Fatal(err)
	}
	c := pool.Contributions[2]
	got, err = evm.ClaimBundle(b)
	same("claim", got, err, "claim", addressOf(c.Account), bigOf(c.CumulativeUnits), [32]byte(sha256.Sum256(b.Contribution.Body)), arrays(b.Merkle))

	for n := range pool.Epoch.Leaves {
		m, err := pool.Epoch.Tree.MultiProof(pool.Epoch.Leaves[:n+1])
		if err != nil {
			t.Fatal(err)
		}
		var leaves []abiLeaf
		for _, l := range m.Leaves {
			leaves = append(leaves, abiLeaf{addressOf(l.Account), bigOf(l.CumulativeUnits), l.Detail})
		}
		got, err = evm.ClaimMany(m)
		same("claimMany", got, err, "claimMany", leaves, arrays(m.Path), m.Flags)
	}
}

// abiLink is a link as package abi packs it.
type abiLink struct {
	Root  [32]byte
	Total *big.Int
	Epoch uint64
	Below [32]byte
}

func abiLinks(links []evm.Link) []abiLink {
	packed := []abiLink{}
	for _, l := range links {
		packed = append(packed, abiLink{l.Root, bigOf(l.Total), l.Epoch, l.Below})
	}
	return packed
}

// integers takes r and s out of DER: 30 len 02 len r 02 len s.
func integers(der []byte) (r, s [32]byte) {
	first := int(der[3])
	new(big.Int).SetBytes(der[4 : 4+first]).FillBytes(r[:])
	new(big.Int).SetBytes(der[6+first:]).FillBytes(s[:])
	return r, s
}
