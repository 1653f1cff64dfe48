package proofs_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/verifyd/verifyd/proofs"
)

// A verifier states what it found and signs it; a ledger that trusts the
// verifier's key reads it back.
func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	audience, err := proofs.Audience("urn:db:payroll")
	if err != nil {
		log.Fatal(err)
	}
	signed, err := proofs.Sign(proofs.Contribution{
		Audience:     audience,
		Epoch:        3,
		Verdict:      proofs.Verdict{Kind: proofs.Accepted},
		StepsClaimed: 400, StepsReplayed: 50,
		Units: proofs.Uint(400), CumulativeUnits: proofs.Uint(1200),
	}, key)
	if err != nil {
		log.Fatal(err)
	}

	received, err := proofs.ParseEnvelope(signed.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	trusted, err := proofs.NewKey(&key.PublicKey)
	if err != nil {
		log.Fatal(err)
	}
	c, err := proofs.Verify[proofs.Contribution](received, 1, trusted)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Verdict, c.Units, "of", c.CumulativeUnits)
	// Output: accepted 400 of 1200
}

// verifiers are three keys for examples. Real ones are made with verifyd keys.
func verifiers() (signers [3]ed25519.PrivateKey, keys [3]proofs.Key) {
	for i := range signers {
		seed := sha256.Sum256([]byte{byte(i)})
		signers[i] = ed25519.NewKeyFromSeed(seed[:])
		key, err := proofs.NewKey(signers[i].Public())
		if err != nil {
			log.Fatal(err)
		}
		keys[i] = key
	}
	return signers, keys
}

var root = proofs.EpochRoot{Audience: proofs.Hash{1}, Epoch: 1, Root: proofs.Hash{2}, SignerSet: 1, CumulativeUnits: proofs.Uint(1000)}

// Two verifiers sign apart. Their statements have the same bytes, so their
// signatures go into one envelope.
func ExampleSign() {
	signers, _ := verifiers()
	first, err := proofs.Sign(root, signers[0])
	if err != nil {
		log.Fatal(err)
	}
	second, err := proofs.Sign(root, signers[2])
	if err != nil {
		log.Fatal(err)
	}
	first.Signatures = append(first.Signatures, second.Signatures...)
	both, err := proofs.ParseEnvelope(first.Bytes())
	fmt.Println(len(both.Signatures), err)
	// Output: 2 <nil>
}

// A ledger asks for two of three keys.
func ExampleVerify() {
	signers, keys := verifiers()
	env, err := proofs.Sign(root, signers[0], signers[2])
	if err != nil {
		log.Fatal(err)
	}
	r, err := proofs.Verify[proofs.EpochRoot](env, 2, keys[:]...)
	fmt.Println(r.CumulativeUnits, err)
	_, err = proofs.Verify[proofs.EpochRoot](env, 3, keys[:]...)
	fmt.Println(err)
	_, err = proofs.Verify[proofs.EpochRoot](env, 1, keys[0])
	fmt.Println(err.(*proofs.Error).Class)
	// Output:
	// 1000 <nil>
	// field signatures: 2 distinct signers, want 3
	// wrong-signer-set
}

// The body is what a contract is given.
func ExampleEncode() {
	body, err := proofs.Encode(root)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, word 2 is %x\n", len(body), body[64:96])
	// Output: 320 bytes, word 2 is 0000000000000000000000000000000000000000000000000000000000000001
}

func ExampleParse() {
	body, err := proofs.Encode(root)
	if err != nil {
		log.Fatal(err)
	}
	statement, err := proofs.Parse("application/vnd.verifyd.epoch-root.v1+abi", body)
	fmt.Println(statement == root, err)
	body[64] = 1
	_, err = proofs.Parse("application/vnd.verifyd.epoch-root.v1+abi", body)
	fmt.Println(err)
	// Output:
	// true <nil>
	// field epoch: dirty padding: the 24 high bytes must each be 0x00
}

// What a signature is over, for tools that sign or verify on their own.
func ExamplePAE() {
	message, err := proofs.PAE(root)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.55s\n", message)
	// Output: DSSEv1 41 application/vnd.verifyd.epoch-root.v1+abi 320
}

func ExampleView() {
	fmt.Printf("%.120s\n", proofs.View(proofs.Revocation{Epoch: 7}))
	// Output: {"type":"application/vnd.verifyd.revocation.v1+abi","audience":"0x000000000000000000000000000000000000000000000000000000
}

func ExampleAudience() {
	contract, err := proofs.Audience("eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
	fmt.Println(contract, err)
	_, err = proofs.Audience("0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
	fmt.Println(err != nil)
	// Output:
	// 0xb291df9afe1a0a9ffb060b47522df836e18a405a6102e6974e6ffe4908c7a5ce <nil>
	// true
}

func ExampleParseKey() {
	key, err := proofs.ParseKey([]byte(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`))
	fmt.Println(key.Alg, err)
	// Output: ed25519 <nil>
}

func ExampleKeyID() {
	_, keys := verifiers()
	id, err := proofs.KeyID(keys[0])
	fmt.Println(id, err)
	// Output: 0x13a344aa41a87af2118c60b07746987dc34a68898a701333bcb73fb4e86c9288 <nil>
}

func ExampleContribution_Nullifier() {
	first := proofs.Contribution{Epoch: 1, TaskID: proofs.Hash{1}}
	again := first
	again.Units = proofs.Uint(1000)
	fmt.Println(first.Nullifier() == again.Nullifier())
	// Output: true
}
