package translog_test

import (
	"bytes"
	"testing"

	"github.com/verifyd/verifyd/proofs/translog"
)

func FuzzParseProof(f *testing.F) {
	tr := newTree(f, 9)
	f.Add(tr.prove(4).Text())
	f.Add(tr.prove(8, newKey("w", 4)).Text())
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := translog.ParseProof(text)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Text(), text) {
			t.Fatal("two texts for one proof")
		}
	})
}

func FuzzParseConsistency(f *testing.F) {
	tr := newTree(f, 9)
	f.Add(tr.proveSince(4).Text())
	f.Add(tr.proveSince(0).Text())
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := translog.ParseConsistency(text)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Text(), text) {
			t.Fatal("two texts for one proof")
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	tr := newTree(f, 9)
	f.Add(tr.checkpoint())
	f.Add(tr.checkpoint(newKey("w", 4)))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := translog.ParseCheckpoint(text)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(text, c.Body()) {
			t.Fatal("the body is not what was read")
		}
	})
}

// FuzzOpen wants no input that was not signed to pass for a checkpoint.
func FuzzOpen(f *testing.F) {
	tr := newTree(f, 9)
	good := tr.checkpoint()
	policy, err := translog.NewPolicy(tr.signer.vkey())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := policy.Open(text)
		if err == nil && !bytes.HasPrefix(good, c.Body()) {
			t.Fatalf("forged: %q", text)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(nested(witnesses())))
	f.Add([]byte("log " + newKey(origin, 1).vkey() + "\nquorum none\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := translog.ParsePolicy(text)
		if err == nil && p == nil {
			t.Fatal("neither a policy nor an error")
		}
	})
}
