package translog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

// history is a log's checkpoints of 0 to n entries and a proof between two.
func history(t testing.TB, n int64) (tr *tree, at []translog.Checkpoint) {
	tr = newTree(t, 0)
	for i := range n + 1 {
		at = append(at, must(translog.ParseCheckpoint(tr.checkpoint())))
		if i < n {
			tr.grow(1)
		}
	}
	return tr, at
}

func (tr *tree) proveSince(old int64) *translog.Consistency {
	c := &translog.Consistency{Old: old, Checkpoint: tr.checkpoint()}
	if old > 0 {
		c.Path = must(tlog.ProveTree(tr.size, old, tr))
	}
	return c
}

func TestEveryTreeBeginsWithItsPast(t *testing.T) {
	tr, at := history(t, 40)
	p := must(translog.NewPolicy(tr.signer.vkey()))
	for old := range at {
		newer, err := p.VerifyConsistency(tr.proveSince(int64(old)).Text(), at[old])
		if err != nil {
			t.Fatalf("from %d: %v", old, err)
		}
		if newer != at[40] {
			t.Fatalf("from %d: got %+v", old, newer)
		}
	}
}

func TestARewrittenPastIsFound(t *testing.T) {
	tr, at := history(t, 40)
	p := must(translog.NewPolicy(tr.signer.vkey()))
	for old := 1; old < 40; old++ {
		forked := at[old]
		forked.Root[7] ^= 1
		if _, err := p.VerifyConsistency(tr.proveSince(int64(old)).Text(), forked); !errors.Is(err, translog.ErrInconsistent) {
			t.Errorf("from %d: %v", old, err)
		}
	}
	same := at[40]
	same.Root[0] ^= 1
	if _, err := p.VerifyConsistency(tr.proveSince(40).Text(), same); !errors.Is(err, translog.ErrInconsistent) {
		t.Errorf("two roots of one size: %v", err)
	}
	// The log shrank: signed, and smaller than what was seen.
	small := newTree(t, 7)
	text := (&translog.Consistency{Old: 40, Checkpoint: small.checkpoint()}).Text()
	if _, err := p.VerifyConsistency(text, at[40]); !errors.Is(err, translog.ErrInconsistent) {
		t.Errorf("shrunk: %v", err)
	}
}

func TestEveryFlippedBitOfAConsistencyProofIsRefused(t *testing.T) {
	tr, at := history(t, 21)
	p := must(translog.NewPolicy(tr.signer.vkey()))
	text := tr.proveSince(13).Text()
	for i := range text {
		for bit := range 8 {
			bad := bytes.Clone(text)
			bad[i] ^= 1 << bit
			if _, err := p.VerifyConsistency(bad, at[13]); err == nil {
				t.Errorf("bit %d of byte %d (%q) flipped and not seen", bit, i, text[i])
			}
		}
	}
}

func TestAConsistencyProofOfAnotherPairIsRefused(t *testing.T) {
	tr, at := history(t, 21)
	p := must(translog.NewPolicy(tr.signer.vkey()))
	if _, err := p.VerifyConsistency(tr.proveSince(13).Text(), at[12]); err == nil || !strings.Contains(err.Error(), "field old") {
		t.Errorf("another size: %v", err)
	}
	other := at[13]
	other.Origin = "example.com/other"
	if _, err := p.VerifyConsistency(tr.proveSince(13).Text(), other); err == nil || !strings.Contains(err.Error(), "field origin") {
		t.Errorf("another log: %v", err)
	}
	empty := tr.proveSince(0)
	empty.Path = []tlog.Hash{{}}
	if _, err := p.VerifyConsistency(empty.Text(), at[0]); !errors.Is(err, translog.ErrInconsistent) {
		t.Errorf("a path where none is needed: %v", err)
	}
}
