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

// TestASlotIsRegisteredWithOneSetOfDataEver: the worker who has seen the seed cannot bring other data.
func TestASlotIsRegisteredWithOneSetOfDataEver(t *testing.T) {
	r := newRig(t)
	d := r.desk(t, r.offerOwn(t), nil)
	worker, mine := merkle.Hash{7}, &job.Set{Root: merkle.Hash{1}, Samples: 40}
	first := must(d.Assign(t.Context(), worker, 0, mine, nil, merkle.Hash{}))(t)
	if again := must(d.Assign(t.Context(), worker, 0, mine, nil, merkle.Hash{}))(t); !bytes.Equal(again.File, first.File) {
		t.Error("another assignment")
	}
	for _, other := range []*job.Set{{Root: merkle.Hash{2}, Samples: 40}, {Root: merkle.Hash{1}, Samples: 41}} {
		if _, err := d.Assign(t.Context(), worker, 0, other, nil, merkle.Hash{}); registry.ClassOf(err) != registry.Given {
			t.Error(err)
		}
		if _, err := d.Register(t.Context(), worker, 0, other); registry.ClassOf(err) != registry.Given {
			t.Error(err)
		}
	}
	if _, err := d.Assign(t.Context(), worker, 0, nil, nil, merkle.Hash{}); fault.Of(err) != fault.BadTerms {
		t.Error(err)
	}
}

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
	first := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{}))(t)
	d.Clock = func() time.Time { return arrived.Add(time.Hour) }
	if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{}))(t); !bytes.Equal(again.File, first.File) {
		t.Error("the slot has another assignment")
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{1}); registry.ClassOf(err) != registry.Given {
		t.Errorf("another seed: %v", err)
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 1, nil, nil, merkle.Hash{}); err == nil {
		t.Error("a slot that the job does not have")
	}
}

func TestWhereTheBeaconHasRoundsTheRegistrationDecidesWhichGivesTheSeed(t *testing.T) {
	r := newRig(t)
	at := time.Unix(1_692_803_367+999*3-6, 0) // two periods before round 1000 of quicknet
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: "urn:db:test", Issued: at.Add(-time.Hour),
		Steps: 8, Stride: 2, Sampled: job.Exactly(2), Audit: job.Millionths, Slots: 2, Delay: 6 * time.Second, Deadline: time.Minute, Beacon: beacon.Quicknet,
	}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.curve = offered.Curve
	d := r.desk(t, offered.File, nil)
	d.Clock = func() time.Time { return at.Add(-time.Millisecond) }
	registered := must(d.Register(t.Context(), merkle.Hash{7}, 0, nil))(t)
	if registered.Round != 1000 || registered.Due != at.Add(6*time.Second).UTC() || registered.Index != -1 {
		t.Errorf("%+v", registered)
	}
	public := &beacon.Beacon{
		Chain: beacon.Quicknet, Round: 1000,
		Value: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
	}
	d.Clock = func() time.Time { return at.Add(time.Hour) } // whoever asks later is registered as at first
	first := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, public, merkle.Hash{}))(t)
	if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, public, merkle.Hash{}))(t); !bytes.Equal(again.File, first.File) {
		t.Error("another assignment")
	}
	if _, err := d.Assign(t.Context(), merkle.Hash{7}, 1, nil, public, merkle.Hash{}); fault.Of(err) != fault.WrongRound {
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
	if given, err := d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{}); !errors.Is(err, translog.ErrClosed) || given != nil {
		t.Fatalf("%+v, %v", given, err)
	}
	d.Log = nil
	kept := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{}))(t)
	err := l.Write(t.Context(), func(written *translog.Log) error {
		d.Log = written
		for range 2 {
			if again := must(d.Assign(t.Context(), merkle.Hash{7}, 0, nil, nil, merkle.Hash{}))(t); !bytes.Equal(again.File, kept.File) || again.Index != 2 {
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

// watched is a claim for a job whose log has a witness, answered, with what the witness needs to date it in time.
type watched struct {
	*work
	log    pool.Log
	bundle string
	opened int64 // entry of the opening's receipt
	own    int64 // entry of the worker's own
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	r := newRig(t)
	l := r.log(t)
	jobFile := r.offerOn(t, "urn:db:test", &job.Log{Key: l.Signers[0].Key(), Witnesses: []string{newWitness(arrived).vkey()}, Threshold: 1})
	w := &watched{log: l}
	err := l.Write(t.Context(), func(written *translog.Log) error {
		w.work = r.work(t, r.desk(t, jobFile, written))
		w.bundle = w.answer(t)
		w.opened = r.receive(t, w.desk, w.bundle)
		opening := must(os.ReadFile(filepath.Join(w.bundle, verify.OpeningFile)))(t)
		at, err := written.Append(t.Context(), must(verify.OpeningEntry(opening, w.claim))(t))
		if err == nil {
			w.own = at[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.proves(t, verify.AssignmentFile, w.assigned, arrived.Add(-time.Second))
	w.proves(t, verify.ReceiptFile, w.index, arrived.Add(-time.Second))
	w.proves(t, verify.OpenedFile, w.opened, arrived.Add(time.Minute))
	return w
}

// proves puts the proof of an entry beside a file of the bundle, cosigned at a time.
func (w *watched) proves(t *testing.T, file string, entry int64, at time.Time) {
	t.Helper()
	path := filepath.Join(w.bundle, file+verify.ProofSuffix)
	if err := os.WriteFile(path, newWitness(at).cosigned(t, w.log, entry), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *watched) judged(t *testing.T) *pool.Judged {
	t.Helper()
	return w.judge().Bundle(t.Context(), w.bundle, nil) // an hour after: the deadline is a minute
}

func TestWhereTheJobAsksForWitnessesTheReceiptMustBeDatedBeforeItsBeacon(t *testing.T) {
	w := newWatched(t)
	if j := w.judged(t); j.Err != nil || j.Severity() != pool.Passed || j.Verdict.Finding.Word != verify.WitnessesWord {
		t.Fatalf("%+v", j)
	}
	for _, file := range []string{verify.AssignmentFile, verify.ReceiptFile} {
		entry := map[string]int64{verify.AssignmentFile: w.assigned, verify.ReceiptFile: w.index}[file]
		w.proves(t, file, entry, arrived) // a delay of 0: the beacon is due when the claim arrives
		if j := w.judged(t); fault.Of(j.Err) != fault.Undated || j.Verdict != nil {
			t.Errorf("%s: cosigned with the beacon: %+v", file, j)
		}
		w.proves(t, file, w.own, arrived.Add(-time.Second))
		if j := w.judged(t); fault.Of(j.Err) != fault.WrongDigest || j.Verdict != nil {
			t.Errorf("%s: of another entry: %+v", file, j)
		}
		w.proves(t, file, entry, arrived.Add(-time.Second))
	}
	if err := os.Remove(filepath.Join(w.bundle, verify.ReceiptProofFile)); err != nil {
		t.Fatal(err)
	}
	if j := w.judged(t); fault.Of(j.Err) != fault.Missing || j.Verdict != nil {
		t.Errorf("none: %+v", j)
	}
}

func TestAnOpeningThatWitnessesSawInTimeIsNoSilence(t *testing.T) {
	w := newWatched(t)
	for _, file := range []string{verify.OpenedFile, verify.OpenedProofFile} {
		if err := os.Remove(filepath.Join(w.bundle, file)); err != nil {
			t.Fatal(err)
		}
	}
	if j := w.judged(t); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Fatalf("silence: %+v", j)
	}
	w.proves(t, verify.OpeningFile, w.own, arrived.Add(time.Minute+time.Second))
	if j := w.judged(t); j.Err != nil || j.Verdict.Finding.Reason != verify.Unopened {
		t.Errorf("entered too late: %+v", j)
	}
	w.proves(t, verify.OpeningFile, w.own, arrived.Add(time.Minute))
	if j := w.judged(t); j.Err != nil || j.Severity() != pool.Passed || j.Verdict.Finding.Word != verify.WitnessesWord {
		t.Errorf("entered in time: %+v", j)
	}
}

// alteredProofs are changes of a proof that more than one byte makes, by whether a reader takes what is left.
var alteredProofs = map[string]struct {
	taken  bool
	change func(proof string) string
}{
	"nothing":                           {true, func(p string) string { return p }},
	"a stranger's signature":            {true, func(p string) string { return p + stranger("stranger.example", 64) }},
	"64 signatures":                     {true, func(p string) string { return p + strings.Repeat(stranger("stranger.example", 64), 62) }},
	"65 signatures":                     {false, func(p string) string { return p + strings.Repeat(stranger("stranger.example", 64), 63) }},
	"a stranger's long name":            {true, func(p string) string { return p + stranger(strings.Repeat("s", 255), 64) }},
	"a stranger's longer name":          {false, func(p string) string { return p + stranger(strings.Repeat("s", 256), 64) }},
	"a stranger with a control":         {false, func(p string) string { return p + stranger("stran\x7fger", 64) }},
	"a stranger with a plus":            {false, func(p string) string { return p + stranger("stran+ger", 64) }},
	"a stranger with a space":           {false, func(p string) string { return p + stranger("stran\u00a0ger", 64) }},
	"a stranger that is not UTF-8":      {false, func(p string) string { return p + stranger("stran\xffger", 64) }},
	"a signature of a key's hash alone": {false, func(p string) string { return p + stranger("stranger.example", 0) }},
	"a long signature":                  {true, func(p string) string { return p + stranger("stranger.example", 60<<10) }},
	"a checkpoint past its limit":       {false, func(p string) string { return p + stranger("stranger.example", 73<<10) }},
	"a proof past its limit":            {false, func(p string) string { return p + stranger("stranger.example", 78<<10) }},
	"all signatures again":              {true, func(p string) string { return p + p[strings.LastIndex(p, "\n\n")+2:] }},
	"no signature":                      {false, func(p string) string { return p[:strings.LastIndex(p, "\n\n")+2] }},
	"no line feed at the end":           {false, func(p string) string { return strings.TrimSuffix(p, "\n") }},
	"a line feed more at the end":       {false, func(p string) string { return p + "\n" }},
	"an extension line":                 {false, func(p string) string { return strings.Replace(p, "\n\n—", "\nmore\n\n—", 1) }},
	"an extra line":                     {false, func(p string) string { return strings.Replace(p, "\nindex", "\nextra AAAA\nindex", 1) }},
	"a zero before the index":           {false, func(p string) string { return strings.Replace(p, "index ", "index 0", 1) }},
	"a hash more":                       {false, func(p string) string { return strings.Replace(p, "\n\n", "\n"+strings.Repeat("A", 43)+"=\n\n", 1) }},
	"line feeds as of another system":   {false, func(p string) string { return strings.ReplaceAll(p, "\n", "\r\n") }},
}

// stranger is a line with a signature, of so many bytes, by a key that nobody knows.
func stranger(name string, size int) string {
	return "— " + name + " " + base64.StdEncoding.EncodeToString(make([]byte, 4+size)) + "\n"
}

// TestBothCheckersOfLogProofsAgree alters a proof at every byte, and in its parts: what package verify takes, package
// translog of the proofs takes, and the other way round.
func TestBothCheckersOfLogProofsAgree(t *testing.T) {
	w := newWatched(t)
	l := w.desk.Terms.Job.Log
	one := must(l.Read())(t)
	two := must(logproof.ParsePolicy([]byte("witness w "+l.Witnesses[0]+"\nquorum w\n"), l.Key))(t)
	proof := newWitness(arrived).cosigned(t, w.log, w.index)
	taken := 0
	for i := -1; i < len(proof); i++ {
		altered := bytes.Clone(proof)
		if i >= 0 {
			altered[i] ^= byte(1 << (i % 8))
		}
		for _, before := range []int64{arrived.Unix(), arrived.Unix() + 1} {
			mine := one.Holds(altered, w.receipt, before)
			_, theirs := two.VerifyBefore(altered, w.receipt, before)
			if (mine == nil) != (theirs == nil) {
				t.Errorf("byte %d: %v, %v", i, mine, theirs)
			}
			if mine == nil {
				taken++
			}
		}
	}
	if taken != 1 {
		t.Errorf("%d proofs are taken", taken)
	}
	for name, c := range alteredProofs {
		altered := []byte(c.change(string(proof)))
		mine := one.Holds(altered, w.receipt, arrived.Unix()+1)
		_, theirs := two.VerifyBefore(altered, w.receipt, arrived.Unix()+1)
		if (mine == nil) != c.taken || (theirs == nil) != c.taken {
			t.Errorf("%s: want it taken %v: %v, %v", name, c.taken, mine, theirs)
		}
	}
}
