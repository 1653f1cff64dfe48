package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
)

// TestALedgerTakesTheSetThatARotationWrites goes from set 1 to set 2 with as
// many old keys as it takes, and not with one less.
func TestALedgerTakesTheSetThatARotationWrites(t *testing.T) {
	t.Chdir(t.TempDir())
	run := func(args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := Main(args, &stdout, &stderr); code != exitOK {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
		}
	}
	read := func(path string) *proofs.Envelope {
		t.Helper()
		file, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		env, err := proofs.ParseEnvelope(file)
		if err != nil {
			t.Fatal(err)
		}
		return env
	}
	run("keys", "new", "a.pem", "--role", "verifier")
	run("keys", "new", "b.pem", "--role", "verifier", "--alg", "secp256k1")
	run("keys", "new", "c.pem", "--role", "verifier", "--alg", "ed25519")
	run("keys", "signers", "a.pem.pub", "b.pem.pub", "c.pem.pub", "--audience", "urn:db:test", "--threshold", "2", "--key", "a.pem", "--out", "set1")
	first := read("set1")
	stated, err := proofs.Parse(first.Type, first.Body)
	if err != nil {
		t.Fatal(err)
	}
	set := stated.(proofs.SignerSet)
	l := &bundle.Ledger{Audience: set.Audience, PoolID: set.PoolID, Signers: set}

	run("keys", "rotate", "b.pem", "--to", "b2.pem", "--set", "set1", "--statement", "alone")
	if err := l.Rotate(read("alone")); err == nil {
		t.Error("one old key of two that it takes put a set in force")
	}
	run("proof", "sign", "alone", "--key", "a.pem", "--out", "together")
	if err := (&bundle.Ledger{Audience: set.Audience, PoolID: set.PoolID, Signers: set}).Rotate(read("together")); err != nil {
		t.Errorf("with a signature that was added later: %v", err)
	}
	run("keys", "rotate", "b.pem", "--to", "b3.pem", "--set", "set1", "--statement", "set2", "--with", "c.pem")
	if err := l.Rotate(read("set2")); err != nil {
		t.Fatal(err)
	}
	run("keys", "rotate", "a.pem", "--to", "a2.pem", "--set", "set2", "--statement", "set3", "--with", "b3.pem")
	if err := l.Rotate(read("set3")); err != nil || l.Signers.Set != 3 {
		t.Errorf("set %d in force, %v", l.Signers.Set, err)
	}
}
