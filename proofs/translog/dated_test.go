package translog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs/translog"
)

func TestOnlyCosignaturesCarryTime(t *testing.T) {
	const cosigned = 1_795_000_000 // the second that key.Sign states
	keys := witnesses()
	tr := newTree(t, 6)
	p, err := translog.ParsePolicy([]byte(nested(keys)), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	proof := tr.prove(4, keys["X1"], keys["X2"], keys["Y1"]).Text()
	if in, err := p.VerifyBefore(proof, entry(4), cosigned+1); err != nil || in.Index != 4 {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := p.VerifyBefore(proof, entry(4), cosigned); err == nil || !strings.Contains(err.Error(), "too few cosignatures before second 1795000000") {
		t.Errorf("a cosignature of that second is not before it: %v", err)
	}
	if _, err := p.VerifyBefore(proof, entry(3), cosigned+1); !errors.Is(err, translog.ErrNotLogged) {
		t.Errorf("another entry: %v", err)
	}
	alone, err := translog.NewPolicy(tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.VerifyBefore(tr.prove(4).Text(), entry(4), cosigned+1); !errors.Is(err, translog.ErrNoTime) {
		t.Errorf("a log without witnesses: %v", err)
	}
}
