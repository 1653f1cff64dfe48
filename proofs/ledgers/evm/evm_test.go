package evm_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// The nested module in simulated compares every call with what go-ethereum
// makes of the contracts' ABI. What is refused before that is here.

func pool(t *testing.T) *scenario.Pool {
	t.Helper()
	p, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func root(t *testing.T, p *scenario.Pool, places ...int) *proofs.Envelope {
	t.Helper()
	env, err := p.Sign(p.Epoch.Root(1, scenario.Now+100, scenario.ID("checkpoint")), places...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func refused(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v, want one with %q", err, why)
	}
}

func TestSignaturesAreInTheOrderOfTheSet(t *testing.T) {
	p := pool(t)
	data, err := evm.PostRoot(root(t, p, 3, 0, 2), p.Set)
	if err != nil {
		t.Fatal(err)
	}
	// Selector, two offsets, the body and its length, the number of signatures.
	at := 4 + 32*(2+1+10+1)
	for i, place := range []byte{0, 2, 3} {
		if got := data[at+96*i+31]; got != place {
			t.Errorf("signature %d is of key %d, want %d", i, got, place)
		}
	}
}

func TestEd25519IsLeftOutAndDoesNotCount(t *testing.T) {
	p := pool(t)
	with, err := evm.PostRoot(root(t, p, 0, 1, 3, 4), p.Set)
	if err != nil {
		t.Fatal(err)
	}
	without, err := evm.PostRoot(root(t, p, 0, 1, 3), p.Set)
	if err != nil || !bytes.Equal(with, without) {
		t.Errorf("an ed25519 signature changes the call (%v)", err)
	}
	_, err = evm.PostRoot(root(t, p, 0, 3, 4), p.Set)
	refused(t, err, "2 signatures on P-256 or secp256k1, want 3")
	p.Set.Threshold = 5
	_, err = evm.SetSigners(p.Set)
	refused(t, err, "wants 5 signers, but 4 of its keys")
}

func TestOnlyAnEpochRootByTheSetIsPosted(t *testing.T) {
	p := pool(t)
	_, err := evm.PostRoot(p.Signed[0], p.Set)
	refused(t, err, "not an epoch root")
	fewer := p.Set
	fewer.Keys = p.Set.Keys[1:]
	_, err = evm.PostRoot(root(t, p, 0, 1, 2), fewer)
	refused(t, err, "not in set 1")
	bent := root(t, p, 0, 1, 2)
	bent.Signatures[1].Sig = append(bent.Signatures[1].Sig, 0)
	_, err = evm.PostRoot(bent, p.Set)
	refused(t, err, "two integers")
}

func TestARevocationIsOfTheRootBesideIt(t *testing.T) {
	p := pool(t)
	r := proofs.Revocation{
		Audience: p.Set.Audience, PoolID: p.Set.PoolID, Epoch: 2, Target: sha256.Sum256(p.Root.Body), TargetKind: 2, SignerSet: 1, IssuedAt: scenario.Now,
	}
	env, err := p.Sign(r, 0, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evm.Revoke(p.Root, env, p.Set, nil); err != nil {
		t.Error(err)
	}
	_, err = evm.Revoke(root(t, p, 0, 1, 3), env, p.Set, nil)
	refused(t, err, "the revocation is of")
	_, err = evm.Revoke(p.Root, p.Root, p.Set, nil)
	refused(t, err, "not a revocation")
}

func TestAnAccountOfAnotherLedgerIsRefused(t *testing.T) {
	leaf := merkle.Leaf{Account: scenario.ID("cosmos account"), CumulativeUnits: proofs.Uint(1)}
	_, err := evm.Claim(leaf, nil)
	refused(t, err, "not an address")
	_, err = evm.ClaimMany(&merkle.MultiProof{Leaves: []merkle.Leaf{leaf}})
	refused(t, err, "not an address")
}

func TestABundleWithoutAPathClaimsNothing(t *testing.T) {
	p := pool(t)
	rejected, err := p.Bundle(scenario.Workers - 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = evm.ClaimBundle(rejected)
	refused(t, err, "no path")
}
