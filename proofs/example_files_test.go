package proofs_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// TestTheExampleFilesAreThePoolsOwn keeps testdata/example, which README.md
// reads, as the scenario makes it. Run with -update to write it.
func TestTheExampleFilesAreThePoolsOwn(t *testing.T) {
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	b, err := pool.Bundle(0)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pool.Sign(pool.Set, 0, 1, 2, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	verifier := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: proofs.SPKI(pool.Set.Keys[0])})
	for name, want := range map[string][]byte{
		"worker.vproof":     b.Bytes(),
		"signers.json":      set.Bytes(),
		"log.pub":           []byte(pool.Log.VKey() + "\n"),
		"contribution.json": b.Contribution.Bytes(),
		"epoch-root.json":   b.EpochRoot.Bytes(),
		"leaves.bin":        pool.Epoch.File(),
		"verifier1.pub":     verifier,
	} {
		path := filepath.Join("testdata/example", name)
		if *updateVectors {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another (%v)", path, err)
		}
	}
}
