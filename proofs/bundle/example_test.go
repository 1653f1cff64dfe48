package bundle_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/translog"
)

func read(name string) []byte {
	data, err := os.ReadFile("../testdata/example/" + name)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

// exampleLedger trusts the signer set and the log of ../testdata/example.
func exampleLedger() *bundle.Ledger {
	env, err := proofs.ParseEnvelope(read("signers.json"))
	if err != nil {
		log.Fatal(err)
	}
	statement, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		log.Fatal(err)
	}
	set := statement.(proofs.SignerSet)
	logs, err := translog.NewPolicy(strings.TrimSpace(string(read("log.pub"))))
	if err != nil {
		log.Fatal(err)
	}
	return &bundle.Ledger{Audience: set.Audience, PoolID: set.PoolID, Signers: set, Log: logs}
}

// A worker hands in a bundle; the ledger needs nothing but its own terms.
func ExampleBundle_Verify() {
	b, err := bundle.Parse(read("worker.vproof"))
	if err != nil {
		log.Fatal(err)
	}
	c, err := b.Verify(exampleLedger())
	fmt.Println(c.Verdict, c.CumulativeUnits, err)
	// Output: accepted 1100 <nil>
}

func ExampleLedger_Accept() {
	l := exampleLedger()
	env, err := proofs.ParseEnvelope(read("epoch-root.json"))
	if err != nil {
		log.Fatal(err)
	}
	root, err := l.Accept(env)
	fmt.Println("epoch", root.Epoch, "total", root.CumulativeUnits, err)
	_, err = l.Accept(env)
	fmt.Println(err)
	// Output:
	// epoch 2 total 11010 <nil>
	// field payload.epoch: 2, but 2 was accepted before
}

// A pool of one verifier, who makes way for another.
func ExampleLedger_Rotate() {
	signer := func(name string) (ed25519.PrivateKey, proofs.Key) {
		seed := sha256.Sum256([]byte(name))
		private := ed25519.NewKeyFromSeed(seed[:])
		key, err := proofs.NewKey(private.Public())
		if err != nil {
			log.Fatal(err)
		}
		return private, key
	}
	oldSigner, oldKey := signer("old")
	newSigner, newKey := signer("new")
	first := proofs.SignerSet{Audience: proofs.Hash{1}, Set: 1, Threshold: 1, Keys: []proofs.Key{oldKey}}
	body, err := proofs.Encode(first)
	if err != nil {
		log.Fatal(err)
	}
	second := proofs.SignerSet{Audience: proofs.Hash{1}, Set: 2, Previous: sha256.Sum256(body), Threshold: 1, Keys: []proofs.Key{newKey}}
	l := bundle.Ledger{Audience: proofs.Hash{1}, Signers: first}

	env, err := proofs.Sign(second, newSigner)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Rotate(env))
	if env, err = proofs.Sign(second, oldSigner, newSigner); err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Rotate(env), l.Signers.Set)
	// Output:
	// field signatures: 0 signers of the set in force, want 1
	// <nil> 2
}

// The verifiers take back an epoch root before the ledger has accepted it.
func ExampleLedger_Revoke() {
	seed := sha256.Sum256([]byte("verifier"))
	signer := ed25519.NewKeyFromSeed(seed[:])
	key, err := proofs.NewKey(signer.Public())
	if err != nil {
		log.Fatal(err)
	}
	l := bundle.Ledger{Audience: proofs.Hash{1}, Signers: proofs.SignerSet{Audience: proofs.Hash{1}, Set: 1, Threshold: 1, Keys: []proofs.Key{key}}}
	root, err := proofs.Sign(proofs.EpochRoot{Audience: proofs.Hash{1}, Epoch: 1, Root: proofs.Hash{2}, SignerSet: 1}, signer)
	if err != nil {
		log.Fatal(err)
	}
	revocation, err := proofs.Sign(proofs.Revocation{
		Audience: proofs.Hash{1}, Epoch: 1, Target: sha256.Sum256(root.Body), TargetKind: 2, SignerSet: 1,
	}, signer)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := l.Revoke(revocation); err != nil {
		log.Fatal(err)
	}
	_, err = l.Accept(root)
	fmt.Println(err.(*proofs.Error).Class)
	// Output: revoked
}
