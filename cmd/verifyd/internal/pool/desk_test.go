package pool_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/kernels"
	logproof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

func TestAChallengeIsNotDrawnAgain(t *testing.T) {
	r := newRig(t)
	d := r.desk(t, r.offer(t, "urn:db:test"), nil)
	w := r.work(t, d)
	d.Clock = func() time.Time { return arrived.Add(time.Hour) }
	if again := w.received(t); !bytes.Equal(again.File, w.receipt) {
		t.Error("the same claim has another receipt")
	}
	opened := must(trace.Read(filepath.Join(w.dir, "trace"), d.Terms.Trace()))(t)
	defer opened.Close()
	changed := opened.Summary()
	changed.Root[0] ^= 1 // as if a loss were changed that nobody opens
	other := must(verify.Claim(d.Terms, changed, 0, r.worker))(t)
	if _, err := d.Receive(t.Context(), other, opened.Leaves(), 2); registry.ClassOf(err) != registry.Given {
		t.Errorf("another root of the slot: %v", err)
	}
}

func TestAnAssignmentIsNotDrawnAgain(t *testing.T) {
	r := newRig(t)
	d := r.desk(t, r.offer(t, "urn:db:test"), nil)
	first := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{}))(t)
	d.Clock = func() time.Time { return arrived.Add(time.Hour) }
	if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{}))(t); !bytes.Equal(again.File, first.File) {
		t.Error("the slot has another assignment")
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{1}); registry.ClassOf(err) != registry.Given {
		t.Errorf("another seed: %v", err)
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 1, nil, merkle.Hash{}); err == nil {
		t.Error("a slot that the job does not have")
	}
}

func TestWhereTheBeaconHasRoundsTheRegistrationDecidesWhichGivesTheSeed(t *testing.T) {
	r := newRig(t)
	at := time.Unix(1_692_803_367+999*3-6, 0) // two periods before round 1000 of quicknet
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: "urn:db:test", Issued: at.Add(-time.Hour),
		Steps: 8, Stride: 2, Sampled: job.Exactly(2), Slots: 2, Delay: 6 * time.Second, Deadline: time.Minute, Beacon: beacon.Quicknet,
	}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.curve = offered.Curve
	d := r.desk(t, offered.File, nil)
	d.Clock = func() time.Time { return at.Add(-time.Millisecond) }
	registered := must(d.Register(t.Context(), merkle.Hash{7}, 0))(t)
	if registered.Round != 1000 || registered.Due != at.Add(6*time.Second).UTC() || registered.Index != -1 {
		t.Errorf("%+v", registered)
	}
	public := &beacon.Beacon{
		Chain: beacon.Quicknet, Round: 1000,
		Value: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
	}
	d.Clock = func() time.Time { return at.Add(time.Hour) } // whoever asks later is registered as at first
	first := must(d.Assign(t.Context(), merkle.Hash{7}, 0, public, merkle.Hash{}))(t)
	if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, public, merkle.Hash{}))(t); !bytes.Equal(again.File, first.File) {
		t.Error("another assignment")
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 1, public, merkle.Hash{}); fault.Of(err) != fault.WrongRound {
		t.Errorf("a round that was known when the worker was registered: %v", err)
	}
}

func TestWhatALogCouldNotTakeIsGivenAgainWithTheSameBytes(t *testing.T) {
	r := newRig(t)
	l := r.log(t)
	d := r.desk(t, r.offer(t, "urn:db:test"), nil)
	var closed *translog.Log
	if err := l.Write(t.Context(), func(written *translog.Log) error { closed = written; return nil }); err != nil {
		t.Fatal(err)
	}
	d.Log = closed
	if given, err := d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{}); !errors.Is(err, translog.ErrClosed) || given != nil {
		t.Fatalf("%+v, %v", given, err)
	}
	d.Log = nil
	kept := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{}))(t)
	err := l.Write(t.Context(), func(written *translog.Log) error {
		d.Log = written
		for range 2 {
			if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, merkle.Hash{}))(t); !bytes.Equal(again.File, kept.File) || again.Index != 2 {
				t.Errorf("entry %d, the same %v", again.Index, bytes.Equal(again.File, kept.File))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOpeningIsReceivedOnceAndForAReceiptThatWasGiven(t *testing.T) {
	r := newRig(t)
	d := r.desk(t, r.offer(t, "urn:db:test"), nil)
	bundle := r.work(t, d).answer(t)
	folder := must(verify.OpenFolder(bundle))(t)
	defer folder.Close()
	stranger := *d
	stranger.Registry = r.desk(t, d.Job, nil).Registry // which has not given the receipt
	if _, err := stranger.Open(t.Context(), folder); registry.ClassOf(err) != registry.NotReceived {
		t.Errorf("a receipt that was never given: %v", err)
	}
	first := must(d.Open(t.Context(), folder))(t)
	d.Clock = func() time.Time { return arrived.Add(time.Hour) }
	if again := must(d.Open(t.Context(), folder))(t); !bytes.Equal(again.File, first.File) || again.Arrived != first.Arrived {
		t.Error("the opening has another receipt")
	}
}

// witness cosigns checkpoints at a time.
type witness struct {
	key ed25519.PrivateKey
	at  int64
}

func newWitness(at time.Time) *witness {
	seed := sha256.Sum256([]byte("witness"))
	return &witness{ed25519.NewKeyFromSeed(seed[:]), at.Unix()}
}

func (w *witness) Name() string { return "witness.example" }
func (w *witness) material() []byte {
	return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
}
func (w *witness) KeyHash() uint32 {
	h := sha256.Sum256(append([]byte(w.Name()+"\n"), w.material()...))
	return binary.BigEndian.Uint32(h[:])
}
func (w *witness) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", w.Name(), w.KeyHash(), base64.StdEncoding.EncodeToString(w.material()))
}
func (w *witness) Sign(msg []byte) ([]byte, error) {
	signed := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", w.at), msg...)
	return append(binary.BigEndian.AppendUint64(nil, uint64(w.at)), ed25519.Sign(w.key, signed)...), nil
}

// cosigned is a log's proof of an entry, with the witness's cosignature.
func (w *witness) cosigned(t *testing.T, l pool.Log, index int64) []byte {
	t.Helper()
	f := must(translog.OpenFolder(l.Folder))(t)
	defer f.Close()
	p := must(logproof.ParseProof(must(f.Proof(index))(t)))(t)
	verifier := must(note.NewVerifier(f.Key()))(t)
	n := must(note.Open(p.Checkpoint, note.VerifierList(verifier)))(t)
	p.Checkpoint = must(note.Sign(n, w))(t)
	return p.Text()
}

func TestWhereTheJobAsksForWitnessesTheReceiptMustBeDatedBeforeItsBeacon(t *testing.T) {
	r := newRig(t)
	l := r.log(t)
	early, late := newWitness(arrived.Add(-time.Second)), newWitness(arrived)
	terms := &job.Log{Key: l.Signers[0].Key(), Witnesses: []string{early.vkey()}, Threshold: 1}
	jobFile := r.offerOn(t, "urn:db:test", terms)
	var w *work
	err := l.Write(t.Context(), func(written *translog.Log) error {
		w = r.work(t, r.desk(t, jobFile, written))
		return nil
	})
	if err != nil || w.index < 0 {
		t.Fatal(w.index, err)
	}
	w.desk.Log = nil
	bundle := w.answer(t)
	r.receive(t, w.desk, bundle)
	proofFile := filepath.Join(bundle, verify.ReceiptProofFile)
	f := must(translog.OpenFolder(l.Folder))(t)
	defer f.Close()
	for name, c := range map[string]struct {
		proof []byte
		class fault.Class
	}{
		"none":                       {nil, fault.Missing},
		"not cosigned":               {must(f.Proof(w.index))(t), fault.BadSignature},
		"cosigned with the beacon":   {late.cosigned(t, l, w.index), fault.BadSignature}, // a delay of 0: it is due when the claim arrives
		"of another entry":           {early.cosigned(t, l, w.index-1), fault.BadSignature},
		"cosigned before":            {early.cosigned(t, l, w.index), ""},
		"more than a proof can be":   {bytes.Repeat([]byte("x"), logproof.MaxProofSize+1), fault.TooLarge},
		"cosigned before, cut short": {early.cosigned(t, l, w.index)[:100], fault.BadSignature},
	} {
		_ = os.Remove(proofFile)
		if c.proof != nil {
			if err := os.WriteFile(proofFile, c.proof, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		judged := r.judge().Bundle(t.Context(), bundle, nil)
		if got := fault.Of(judged.Err); got != c.class || (c.class == "") != (judged.Verdict != nil) {
			t.Errorf("%s: %s, %v", name, got, judged.Err)
		}
		if c.class == "" && (judged.Severity() != pool.Passed || judged.Word != pool.WitnessesWord) {
			t.Errorf("%s: %+v", name, judged)
		}
	}
}

func TestAnOpeningThatWitnessesSawInTimeIsNoSilence(t *testing.T) {
	r := newRig(t)
	l := r.log(t)
	before := newWitness(arrived.Add(-time.Second))
	jobFile := r.offerOn(t, "urn:db:test", &job.Log{Key: l.Signers[0].Key(), Witnesses: []string{before.vkey()}, Threshold: 1})
	var w *work
	var entered []int64
	var bundle string
	err := l.Write(t.Context(), func(written *translog.Log) (err error) {
		w = r.work(t, r.desk(t, jobFile, written))
		bundle = w.answer(t)
		opening := must(os.ReadFile(filepath.Join(bundle, verify.OpeningFile)))(t)
		entered, err = written.Append(t.Context(), must(pool.EntryOf(opening, w.claim))(t))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bundle, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(verify.ReceiptProofFile, before.cosigned(t, l, w.index))
	judge := func() *pool.Judged { return r.judge().Bundle(t.Context(), bundle, nil) } // an hour after, the deadline is a minute
	if j := judge(); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Fatalf("silence: %+v", j)
	}
	inTime, late := newWitness(arrived.Add(time.Minute)), newWitness(arrived.Add(time.Minute+time.Second))
	write(verify.OpeningProofFile, late.cosigned(t, l, entered[0]))
	if j := judge(); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Errorf("entered too late: %+v", j)
	}
	write(verify.OpeningProofFile, inTime.cosigned(t, l, w.index))
	if j := judge(); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Errorf("another entry: %+v", j)
	}
	write(verify.OpeningProofFile, inTime.cosigned(t, l, entered[0]))
	if j := judge(); fault.Of(j.Err) != fault.NotOpenedYet || j.Verdict != nil || !strings.Contains(j.Err.Error(), "owes") {
		t.Errorf("entered in time: %+v", j)
	}
	segments := must(filepath.Glob(filepath.Join(bundle, verify.OpeningsDir, "segment-*")))(t)
	if err := os.Remove(segments[0]); err != nil {
		t.Fatal(err)
	}
	if j := judge(); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Errorf("entered in time, with a segment withheld: %+v", j)
	}
}
