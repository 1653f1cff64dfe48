package translog_test

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs/translog"
)

func TestOnlyCosignaturesCarryTimeAndTheQuorumMustHaveMadeThemInTime(t *testing.T) {
	tr := newTree(t, 6)
	early, late, plain := newKey("early", 4), newKey("late", 4), newKey("plain", 4)
	late.at = cosignedAt + 60
	plain.at = cosignedAt - 60
	text := "witness E " + early.vkey() + "\nwitness L " + late.vkey() + "\nwitness P " + plain.vkey() + "\ngroup G 2 E L P\nquorum G\n"
	p, err := translog.ParsePolicy([]byte(text), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by     []*key
		before int64
		ok     bool
	}{
		{[]*key{early, late}, cosignedAt + 61, true},
		{[]*key{early, late}, cosignedAt + 60, false}, // in the very second is not before it
		{[]*key{early, plain}, cosignedAt + 1, true},
		{[]*key{early, plain}, cosignedAt, false},
		{[]*key{early, late, plain}, cosignedAt + 1, true},
		{[]*key{late, plain}, cosignedAt + 1, false},
		{[]*key{early}, cosignedAt + 1000, false}, // no quorum at any time
	} {
		at, err := p.VerifyBefore(tr.prove(4, c.by...).Text(), entry(4), c.before)
		if (err == nil) != c.ok || c.ok && at.Index != 4 {
			t.Errorf("%d cosignatures, before %d: %+v, %v", len(c.by), c.before, at, err)
		}
		if _, err := p.VerifyBefore(tr.prove(4, c.by...).Text(), entry(3), c.before); err == nil {
			t.Error("another entry is dated")
		}
	}
	stranger := newTree(t, 6)
	stranger.signer = newKey("stranger.example", 1)
	if _, err := p.VerifyBefore(stranger.prove(4, early, plain).Text(), entry(4), cosignedAt+1); err == nil {
		t.Error("an entry of another log is verified as the policy's")
	}
	if at, err := p.WitnessedBefore(stranger.prove(4, early, plain).Text(), entry(4), cosignedAt+1); err != nil || at.Index != 4 {
		t.Errorf("witnessed in another log: %+v, %v", at, err)
	}
	for name, by := range map[string][]*key{"too late": {early, late}, "by too few": {early}, "by none": {}} {
		if _, err := p.WitnessedBefore(stranger.prove(4, by...).Text(), entry(4), cosignedAt+1); err == nil {
			t.Errorf("witnessed %s in another log", name)
		}
	}
	checkpoint, dates, err := p.Cosignatures(tr.checkpoint(late, early))
	if err != nil || checkpoint.Size != 6 || len(dates) != 2 {
		t.Fatalf("%+v, %+v, %v", checkpoint, dates, err)
	}
	for _, d := range dates {
		if want := map[string]int64{"early": cosignedAt, "late": cosignedAt + 60}[d.Witness]; d.Time != want {
			t.Errorf("%+v", d)
		}
	}
	alone, err := translog.NewPolicy(tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.VerifyBefore(tr.prove(4, early).Text(), entry(4), cosignedAt+1000); err == nil || !strings.Contains(err.Error(), "quorum") {
		t.Errorf("a log without witnesses dates: %v", err)
	}
}
