package bundle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

func pool(t testing.TB) *scenario.Pool {
	t.Helper()
	p, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ledger(t testing.TB, p *scenario.Pool) *bundle.Ledger {
	t.Helper()
	l, err := p.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func bundleOf(t testing.TB, p *scenario.Pool, worker int) *bundle.Bundle {
	t.Helper()
	b, err := p.Bundle(worker)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sign(t testing.TB, p *scenario.Pool, s proofs.Statement, places ...int) *proofs.Envelope {
	t.Helper()
	env, err := p.Sign(s, places...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// fault is the class and the field of an error.
func fault(err error) (string, string) {
	var e *proofs.Error
	if errors.As(err, &e) {
		return e.Class, e.Field
	}
	return "", ""
}

func TestABundleSaysWhatItsContributionSays(t *testing.T) {
	p := pool(t)
	for worker := range scenario.Workers {
		file := bundleOf(t, p, worker).Bytes()
		b, err := bundle.Parse(file)
		if err != nil {
			t.Fatalf("worker %d: %v", worker, err)
		}
		if !bytes.Equal(b.Bytes(), file) {
			t.Errorf("worker %d: the file changes when it is read and written", worker)
		}
		c, err := b.Stated(ledger(t, p))
		if err != nil {
			t.Errorf("worker %d: %v", worker, err)
		}
		if c != p.Contributions[worker] {
			t.Errorf("worker %d: got %+v", worker, c)
		}
		if !json.Valid(file) {
			t.Errorf("worker %d: not JSON", worker)
		}
	}
}

// member is the name of the top-level field in which byte i of a bundle is;
// what separates two belongs to the second.
func member(file []byte, i int) string {
	name, at := "bundle", -1
	for _, m := range []string{"signerSet", "contribution", "epochRoot", "merkle", "log", "attachments"} {
		from := at + 1
		mark := []byte(`,"` + m + `":`)
		if m == "contribution" || m == "epochRoot" {
			mark = append(mark, '{') // in the log there are texts of the same name
		}
		if at = from + bytes.Index(file[from:], mark); i >= at {
			name = m
		}
	}
	return name
}

func TestEveryFlippedByteOfABundleIsRefusedAndItsFieldNamed(t *testing.T) {
	p := pool(t)
	// Contributions signed by es256, es256k and ed25519, the last one a
	// rejection. The race detector, with -short, needs one of them.
	workers, flips := []int{0, 3, scenario.Workers - 1}, []byte{0x01, 0x20}
	if testing.Short() {
		workers, flips = workers[:1], flips[:1]
	}
	for _, worker := range workers {
		t.Run(fmt.Sprintf("worker %d", worker), func(t *testing.T) {
			t.Parallel()
			file, l := bundleOf(t, p, worker).Bytes(), ledger(t, p)
			for i := range file {
				for _, flip := range flips {
					bad := bytes.Clone(file)
					bad[i] ^= flip
					b, err := bundle.Parse(bad)
					if err == nil {
						_, err = b.Stated(l)
					}
					_, field := fault(err)
					if err == nil || field == "" {
						t.Fatalf("byte %d (%q) flipped by 0x%02x: %v", i, file[i], flip, err)
					}
					top, _, _ := strings.Cut(field, ".")
					top, _, _ = strings.Cut(top, "[")
					if want := wantMember(file, worker, i); top != want {
						t.Fatalf("byte %d of %s (%.20q) flipped by 0x%02x: refused for %s: %v", i, want, file[i:], flip, field, err)
					}
				}
			}
		})
	}
}

// wantMember is member for a bundle whose epoch root may be null.
func wantMember(file []byte, worker, i int) string {
	if worker < scenario.Workers-1 {
		return member(file, i)
	}
	root := bytes.Index(file, []byte(`,"epochRoot":null`))
	path := bytes.Index(file, []byte(`,"merkle":null`))
	log := bytes.Index(file, []byte(`,"log":`))
	attachments := bytes.Index(file, []byte(`,"attachments":`))
	switch {
	case i >= attachments:
		return "attachments"
	case i >= log:
		return "log"
	case i >= path:
		return "merkle"
	case i >= root:
		return "epochRoot"
	}
	return member(append(bytes.Clone(file[:root]), []byte(`,"epochRoot":{,"merkle":,"log":,"attachments":`)...), i)
}

func TestABundleHasOneSpelling(t *testing.T) {
	file := string(bundleOf(t, pool(t), 0).Bytes())
	for name, bad := range map[string]string{
		"no newline":           strings.TrimSuffix(file, "\n"),
		"trailing data":        file + "{}",
		"white space":          strings.Replace(file, ":", ": ", 1),
		"unknown field":        strings.Replace(file, `,"merkle"`, `,"x":1,"merkle"`, 1),
		"missing field":        strings.Replace(file, `,"signerSet":`, `,`, 1),
		"fields swapped":       strings.Replace(file, `{"bundle":"verifyd/vproof/v1","signerSet"`, `{"signerSet"`, 1),
		"other version":        strings.Replace(file, "vproof/v1", "vproof/v2", 1),
		"number not a string":  strings.Replace(file, `"set":"1"`, `"set":1`, 1),
		"leading zero":         strings.Replace(file, `"set":"1"`, `"set":"01"`, 1),
		"upper-case hex":       strings.Replace(file, `"digest":"0x`, `"digest":"0X`, 1),
		"escaped letter":       strings.Replace(file, `"log":{"contribution":"c`, `"log":{"contribution":"\u0063`, 1),
		"carriage return":      strings.Replace(file, `\nindex`, `\r\nindex`, 1),
		"path not a list":      strings.Replace(file, `"merkle":[`, `"merkle":{`, 1),
		"a comma too many":     strings.Replace(file, `],"log"`, `,],"log"`, 1),
		"empty":                "",
		"oversized":            file + strings.Repeat(" ", bundle.MaxSize),
		"deep":                 strings.Repeat("[", 100_000),
		"path of 65 nodes":     strings.Replace(file, `"merkle":[`, `"merkle":[`+strings.Repeat(`"`+proofs.Hash{}.String()+`",`, 65), 1),
		"a third kind of root": strings.Replace(file, `"epochRoot":{"payloadType":"application/vnd.verifyd.epoch-root.v1`, `"epochRoot":{"payloadType":"application/vnd.verifyd.epoch-root.v2`, 1),
	} {
		if bad == file {
			t.Errorf("%s: the case changes nothing", name)
		}
		if _, err := bundle.Parse([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if _, field := fault(err); field == "" {
			t.Errorf("%s: no field in %v", name, err)
		}
	}
}

// TestABundleThatIsWellSignedButMeantOtherwiseIsRefused goes through what only
// the ledger can know and what the parts of a bundle must agree on.
func TestABundleThatIsWellSignedButMeantOtherwiseIsRefused(t *testing.T) {
	p := pool(t)
	root := p.Epoch.Root(1, scenario.Now+86_400, proofs.Hash{1})
	other := func(f func(*proofs.EpochRoot)) *proofs.Envelope {
		r := root
		f(&r)
		return sign(t, p, r, 0, 1, 2)
	}
	for name, c := range map[string]struct {
		bend         func(b *bundle.Bundle, l *bundle.Ledger)
		class, field string
	}{
		"no contribution": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Contribution = nil }, class.NotCanonical, "contribution"},
		"another ledger":  {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Audience[0] ^= 1 }, class.WrongAudience, "contribution.payload.audience"},
		"another pool":    {func(_ *bundle.Bundle, l *bundle.Ledger) { l.PoolID[0] ^= 1 }, class.WrongPool, "contribution.payload.poolId"},
		"another policy":  {func(_ *bundle.Bundle, l *bundle.Ledger) { l.PolicyHash[0] ^= 1 }, class.WrongPolicy, "epochRoot.payload.policyHash"},
		"expired":         {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Now = l.Now.Add(25 * time.Hour) }, class.Expired, "epochRoot.payload.notAfter"},
		"from the future": {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Now = l.Now.Add(-bundle.Tolerance - time.Second) },
			class.FromTheFuture, "contribution.payload.issuedAt"},
		"revoked contribution": {func(b *bundle.Bundle, l *bundle.Ledger) {
			l.Revoked = map[proofs.Hash]bool{sha256.Sum256(b.Contribution.Body): true}
		}, class.Revoked, "contribution.payload"},
		"revoked root": {func(b *bundle.Bundle, l *bundle.Ledger) {
			l.Revoked = map[proofs.Hash]bool{sha256.Sum256(b.EpochRoot.Body): true}
		}, class.Revoked, "epochRoot.payload"},
		"the next set": {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Signers.Set, l.Signers.Previous = 2, proofs.Hash{1} }, class.WrongSignerSet, "signerSet.set"},
		"a set of other keys": {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Signers.Keys = l.Signers.Keys[:3] },
			class.WrongSignerSet, "signerSet.digest"},
		"an earlier root": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			b.EpochRoot = other(func(r *proofs.EpochRoot) { r.Epoch = 1 })
		}, class.WrongEpoch, "epochRoot.payload.epoch"},
		"a root under another policy": {func(b *bundle.Bundle, l *bundle.Ledger) {
			b.EpochRoot = other(func(r *proofs.EpochRoot) { r.PolicyHash[0] ^= 1 })
			l.PolicyHash = proofs.Hash{}
		}, class.WrongPolicy, "epochRoot.payload.policyHash"},
		"a root by two": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.EpochRoot = sign(t, p, root, 0, 1) }, class.BelowQuorum, "epochRoot.signatures"},
		"a root of the next set": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			b.EpochRoot = other(func(r *proofs.EpochRoot) { r.SignerSet = 2 })
		}, class.WrongSignerSet, "epochRoot.payload.signerSet"},
		"a root of another tree": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			b.EpochRoot = other(func(r *proofs.EpochRoot) { r.Root[0] ^= 1 })
		}, class.BadPath, "merkle"},
		"a contribution in the root's place": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.EpochRoot = b.Contribution }, class.WrongType, "epochRoot.payloadType"},
		"a root in the contribution's place": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Contribution = b.EpochRoot }, class.WrongType, "contribution.payloadType"},
		"another worker's path":              {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Merkle = bundleOf(t, p, 1).Merkle }, class.BadPath, "merkle"},
		"a truncated path":                   {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Merkle = b.Merkle[:len(b.Merkle)-1] }, class.BadPath, "merkle"},
		"a path without a root":              {func(b *bundle.Bundle, _ *bundle.Ledger) { b.EpochRoot = nil }, class.BadPath, "merkle"},
		"a root that is about others": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Merkle, b.Log = nil, nil },
			class.Uncorroborated, "epochRoot"},
		"a root with another checkpoint and no path": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			b.EpochRoot, b.Merkle = sign(t, p, root, 0, 1, 2), nil
		}, class.Uncorroborated, "epochRoot.payload.checkpointHash"},
		"no key for the log": {func(_ *bundle.Bundle, l *bundle.Ledger) { l.Log = nil }, class.BadLog, "log"},
		"another worker's log proof": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Log.Contribution = bundleOf(t, p, 1).Log.Contribution },
			class.BadLog, "log.contribution"},
		"a root that is not logged": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.EpochRoot = sign(t, p, root, 0, 1, 2) }, class.BadLog, "log.epochRoot"},
		"a log of a root that is not there": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.EpochRoot, b.Merkle = nil, nil },
			class.BadLog, "log.epochRoot"},
		"no consistency": {func(b *bundle.Bundle, _ *bundle.Ledger) { b.Log.Consistency = "" }, class.BadLog, "log.consistency"},
		"an attachment by a stranger": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			env, err := proofs.Sign(proofs.Document{Type: "text/plain"}, scenario.Ed25519("stranger"))
			if err != nil {
				t.Fatal(err)
			}
			b.Attachments = append(b.Attachments, env)
		}, class.WrongSignerSet, "attachments[1].signatures[0].keyid"},
		"an attachment of our own kind": {func(b *bundle.Bundle, _ *bundle.Ledger) {
			b.Attachments = append(b.Attachments, b.EpochRoot)
		}, class.WrongType, "attachments[1].payloadType"},
	} {
		b, l := bundleOf(t, p, 0), ledger(t, p)
		c.bend(b, l)
		_, err := b.Stated(l)
		if kind, field := fault(err); kind != c.class || field != c.field {
			t.Errorf("%s: %s of %s: %v", name, kind, field, err)
		}
	}
}

func TestALedgerThatAsksForNoPolicyAndNoClockJudgesThePast(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	l.PolicyHash, l.Now = proofs.Hash{}, time.Time{}
	if _, err := bundleOf(t, p, 0).Verify(l); err != nil {
		t.Error(err)
	}
}

func TestTheLogsKeyAloneShowsWhatWasLogged(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	for worker := range scenario.Workers {
		if c, err := bundleOf(t, p, worker).Logged(l.Log); err != nil || c != p.Contributions[worker] {
			t.Errorf("worker %d: %v", worker, err)
		}
	}
	for name, bend := range map[string]func(b *bundle.Bundle){
		"no log":             func(b *bundle.Bundle) { b.Log = nil },
		"another signature":  func(b *bundle.Bundle) { b.Contribution = sign(t, p, p.Contributions[0], 4) },
		"another path":       func(b *bundle.Bundle) { b.Merkle = b.Merkle[1:] },
		"a root not logged":  func(b *bundle.Bundle) { b.Log.EpochRoot, b.Log.Consistency = "", "" },
		"a root by fewer":    func(b *bundle.Bundle) { b.EpochRoot = sign(t, p, p.Epoch.Root(1, 1, proofs.Hash{1}), 0) },
		"another's contents": func(b *bundle.Bundle) { b.Contribution = p.Signed[1] },
		"no contribution":    func(b *bundle.Bundle) { b.Contribution = b.EpochRoot },
	} {
		b := bundleOf(t, p, 0)
		bend(b)
		if _, err := b.Logged(l.Log); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheLogAloneTiesAContributionToARoot(t *testing.T) {
	p := pool(t)
	b := bundleOf(t, p, scenario.Workers-1) // a rejection, which has no leaf
	b.EpochRoot = p.Root
	if _, err := b.Stated(ledger(t, p)); err != nil {
		t.Error(err)
	}
}

func TestAWitnessMayBeAddedWithoutBreakingReaders(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	plain := bundleOf(t, p, 0)
	text := plain.Log.Contribution
	last := text[strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1:]
	for name, line := range map[string]string{
		"twice the same":    last,
		"by an unknown key": "— witness.example AAAAAAAA\n",
	} {
		b := bundleOf(t, p, 0)
		b.Log.Contribution += line
		b.Log.EpochRoot += line
		b.Log.Consistency += line
		read, err := bundle.Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read.Verify(l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if kept, err := read.Canonical(l.Log); err != nil || !bytes.Equal(kept.Bytes(), plain.Bytes()) {
			t.Errorf("%s: the canonical bundle keeps what nobody checks: %v", name, err)
		}
	}
	for name, bend := range map[string]func(*bundle.Bundle){
		"a wrong one by the log": func(b *bundle.Bundle) {
			b.Log.Contribution = strings.Replace(text, last, last[:len(last)-10]+"AAAAAAA==\n", 1)
		},
		"the log's left out": func(b *bundle.Bundle) {
			b.Log.Contribution = strings.Replace(text, last, "— witness.example AAAAAAAA\n", 1)
		},
	} {
		b := bundleOf(t, p, 0)
		bend(b)
		if _, err := b.Verify(l); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := b.Canonical(l.Log); err == nil {
			t.Errorf("%s: made canonical", name)
		}
	}
}

func TestOneKeyIsReadButVouchesForNoPayment(t *testing.T) {
	p := pool(t)
	l := ledger(t, p)
	rejection := bundleOf(t, p, scenario.Workers-1)
	tied, early := bundleOf(t, p, 0), bundleOf(t, p, 0)
	tied.Merkle = nil
	early.Merkle, early.EpochRoot, early.Log.EpochRoot, early.Log.Consistency = nil, nil, "", ""
	for name, b := range map[string]*bundle.Bundle{"a rejection": rejection, "tied by the log alone": tied, "before its epoch ends": early} {
		if _, err := b.Stated(l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, verified := b.Verify(l)
		_, _, claimed := l.Claim(b)
		for _, err := range []error{verified, claimed} {
			if kind, field := fault(err); kind != class.BadPath || field != "merkle" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTheRootIsUnderTheCheckpointThatContinuesTheContributions(t *testing.T) {
	p := pool(t)
	b := bundleOf(t, p, 0)
	if _, err := p.Log.Append([]byte("later")); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.Log.Consistency, err = p.Log.Consistency(scenario.Workers); err != nil {
		t.Fatal(err)
	}
	_, err = b.Verify(ledger(t, p))
	if kind, field := fault(err); kind != class.BadLog || field != "log.consistency" {
		t.Errorf("it continues to another checkpoint: %v", err)
	}
}

func TestASplitLogIsFound(t *testing.T) {
	p, q := pool(t), pool(t)
	forked := sign(t, q, proofs.Document{Type: "text/plain", Body: []byte("another past")}, 0)
	fork := scenario.NewLog("log")
	for range scenario.Workers {
		if _, err := fork.Append(forked.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	index, err := fork.Append(p.Root.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	b := bundleOf(t, p, 0)
	if b.Log.EpochRoot, err = fork.Inclusion(index); err != nil {
		t.Fatal(err)
	}
	if b.Log.Consistency, err = fork.Consistency(index); err != nil {
		t.Fatal(err)
	}
	_, err = b.Verify(ledger(t, p))
	if kind, field := fault(err); kind != class.BadLog || field != "log.consistency" {
		t.Errorf("a log with two pasts: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	p := pool(f)
	for _, worker := range []int{0, scenario.Workers - 1} {
		f.Add(bundleOf(f, p, worker).Bytes())
	}
	l := ledger(f, p)
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := bundle.Parse(file)
		if err != nil {
			if _, field := fault(err); field == "" {
				t.Fatalf("no field in %v", err)
			}
			return
		}
		if !bytes.Equal(b.Bytes(), file) {
			t.Fatal("two files for one bundle")
		}
		if c, err := b.Verify(l); err == nil && !slices.Contains(p.Contributions, c) {
			t.Fatalf("verifies and says %+v", c)
		}
	})
}
