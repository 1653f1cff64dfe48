package es256k_test

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"log"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/es256k"
)

func TestOnlySHA256DigestsAreSigned(t *testing.T) {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer := es256k.NewSigner(key)
	digest := sha256.Sum256([]byte("message"))
	if _, err := signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Error(err)
	}
	for name, call := range map[string]func() ([]byte, error){
		"another hash":  func() ([]byte, error) { return signer.Sign(nil, digest[:], crypto.SHA512_256) },
		"no hash named": func() ([]byte, error) { return signer.Sign(nil, digest[:], nil) },
		"the message":   func() ([]byte, error) { return signer.Sign(nil, []byte("message"), crypto.SHA256) },
	} {
		if _, err := call(); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func ExampleNewSigner() {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		log.Fatal(err)
	}
	signed, err := proofs.Sign(proofs.Contribution{
		Audience: proofs.Hash{1}, Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}, es256k.NewSigner(key))
	if err != nil {
		log.Fatal(err)
	}
	trusted, err := proofs.NewKey(key.PubKey())
	if err != nil {
		log.Fatal(err)
	}
	_, err = proofs.Verify[proofs.Contribution](signed, 1, trusted)
	fmt.Println(trusted.Alg, err)
	// Output: es256k <nil>
}
