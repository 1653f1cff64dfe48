package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

// writeProof leaves a signed proof and its verifier's key where a script
// starts: good.proof, verifier.pem and verifier.pem.pub.
func writeProof(env *testscript.Env) error {
	key, err := keys.New(filepath.Join(env.WorkDir, "verifier.pem"))
	if err != nil {
		return err
	}
	signed, err := proofs.Sign(proofs.Contribution{
		Audience: sha256.Sum256([]byte("urn:db:test")), Epoch: 7,
		Units: proofs.Uint(400), CumulativeUnits: proofs.Uint(500), Shapley: proofs.Int(-3),
		Verdict:      proofs.Verdict{Kind: proofs.Accepted},
		StepsClaimed: 400, StepsReplayed: 40, IssuedAt: 1_795_000_000,
	}, key)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "good.proof"), signed.Bytes(), 0o644)
}
