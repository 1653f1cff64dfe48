package proofs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
)

// A verifier states what it found and signs it; a ledger that trusts the
// verifier's key reads it back.
func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	signed, err := proofs.Sign(proofs.Contribution{
		Audience:     sha256.Sum256([]byte("urn:db:payroll")),
		Epoch:        3,
		Verdict:      proofs.Verdict{Kind: proofs.Accepted},
		StepsClaimed: 400, StepsReplayed: 50,
		Units: proofs.Uint(400), CumulativeUnits: proofs.Uint(1200),
	}, key)
	if err != nil {
		fmt.Println(err)
		return
	}

	received, err := proofs.ParseEnvelope(signed.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	trusted, err := proofs.NewKey(&key.PublicKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := proofs.Verify[proofs.Contribution](received, 1, trusted)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Verdict, c.Units, "of", c.CumulativeUnits)
	// Output: accepted 400 of 1200
}
