package verify_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// The last seconds for a receipt and for an opening to be seen: rigs have a delay of 6 and a deadline of 3600.
var (
	lastReceipt = arrived.Unix() + 5
	lastOpening = arrived.Unix() + 3606
)

// watched is a rig whose job names a log with two witnesses, of which both are needed, and whose bundle is honest and
// dated in the last second.
type watched struct {
	*rig
	log    *verifytest.Log
	by     []*verifytest.Witness
	trace  string
	bundle string
}

func newWatched(t testing.TB) *watched {
	t.Helper()
	w := &watched{log: verifytest.NewLog("log.example/pool"), by: []*verifytest.Witness{verifytest.NewWitness("w1.example"), verifytest.NewWitness("w2.example")}}
	w.rig = newRig(t, mlp(), blobs(t, 12, 7), func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled, j.Log = 4, 2, job.Exactly(2), w.log.Terms(2, w.by...)
	})
	w.trace, _ = w.train(newCPU(t, kernels.Auto, 1))
	w.bundle = w.dated(w.rig.bundle(w.trace))
	return w
}

// dated dates what the operator gave for a bundle.
func (w *watched) dated(bundle string) string {
	w.t.Helper()
	if err := w.pool().Date(w.log, bundle, w.by...); err != nil {
		w.t.Fatal(err)
	}
	return bundle
}

// entered has the worker enter the opening of a bundle into a log at a time.
func (w *watched) entered(l *verifytest.Log, bundle string, at int64, by ...*verifytest.Witness) {
	w.t.Helper()
	if err := w.pool().Enter(l, bundle, at, by...); err != nil {
		w.t.Fatal(err)
	}
}

// proves writes the proof of a file of a bundle, cosigned at a time.
func (w *watched) proves(bundle, file string, at int64, by ...*verifytest.Witness) {
	w.t.Helper()
	write(w.t, filepath.Join(bundle, file+verify.ProofSuffix), must(w.log.Enter(read(w.t, bundle, file), at, by...))(w.t))
}

// at judges a bundle so long after the claim arrived.
func (w *watched) at(bundle string, after time.Duration) (*verify.Verdict, error) {
	w.t.Helper()
	o := w.options(kernels.Auto, 1)
	o.Now = w.arrived.Add(after)
	return verify.Judge(context.Background(), bundle, keyOf(w.t, w.operator), o)
}

const longAfter = 1000 * time.Hour

func remove(t testing.TB, bundle string, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.Remove(filepath.Join(bundle, file)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFindingSaysOnWhoseWordItsTimesRest(t *testing.T) {
	w := newWatched(t)
	forged := w.dated(w.rig.bundle(w.forge(cheat{state: after(1, func(m *program.Machine) { flip(m.Tensors()[0], 0) })})))
	late := copyBundle(t, w.bundle)
	if err := w.pool().Open(t.Context(), late, arrived.Add(3607*time.Second)); err != nil {
		t.Fatal(err)
	}
	w.proves(late, verify.OpenedFile, lastOpening+100, w.by...)
	silent := copyBundle(t, w.bundle)
	remove(t, silent, verify.OpenedFile)
	plain := newRig(t, mlp(), blobs(t, 12, 7), func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled, j.Log = 4, 2, job.Exactly(2), w.log.Terms(0)
	})
	dir, _ := plain.train(newCPU(t, kernels.Auto, 1))
	unwitnessed := plain.bundle(dir)
	if err := plain.pool().Date(w.log, unwitnessed); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bundle  string
		outcome verify.Outcome
		reason  verify.Reason
		word    verify.Word
	}{
		"an honest claim":         {w.bundle, verify.Pass, verify.Honest, verify.WitnessesWord},
		"a forged one":            {forged, verify.Fail, verify.WrongUpdate, verify.WitnessesWord},
		"a late opening":          {late, verify.Fail, verify.Late, verify.OperatorsWord},
		"silence":                 {silent, verify.Fail, verify.Unopened, verify.OperatorsWord},
		"a log without witnesses": {unwitnessed, verify.Pass, verify.Honest, verify.OperatorsWord},
	} {
		v, err := w.at(c.bundle, longAfter)
		if err != nil || v.Finding.Outcome != c.outcome || v.Finding.Reason != c.reason || v.Finding.Word != c.word {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestAFindingIsTheSameWhicheverProofsShowIt has other trees, times and further signatures.
func TestAFindingIsTheSameWhicheverProofsShowIt(t *testing.T) {
	w := newWatched(t)
	first := must(w.at(w.bundle, longAfter))(t)
	other := copyBundle(t, w.bundle)
	by := append([]*verifytest.Witness{verifytest.NewWitness("stranger.example")}, w.by...)
	w.proves(other, verify.AssignmentFile, arrived.Unix()-1000, by...)
	w.proves(other, verify.ReceiptFile, arrived.Unix(), by...)
	w.proves(other, verify.OpenedFile, arrived.Unix()+10, by...)
	if v := must(w.at(other, time.Hour))(t); v.Evidence != first.Evidence {
		t.Errorf("%+v\n%+v", v.Finding, first.Finding)
	}
}

func TestWhatTheJobsWitnessesDidNotSeeInTimeIsNotJudged(t *testing.T) {
	w := newWatched(t)
	last := map[string]int64{verify.AssignmentFile: lastReceipt, verify.ReceiptFile: lastReceipt, verify.OpenedFile: lastOpening}
	for file, at := range last {
		proof := file + verify.ProofSuffix
		for name, c := range map[string]struct {
			spoil func(b string)
			class fault.Class
		}{
			"no proof":              {func(b string) { remove(t, b, proof) }, fault.Missing},
			"a second too late":     {func(b string) { w.proves(b, file, at+1, w.by...) }, fault.Undated},
			"one witness too few":   {func(b string) { w.proves(b, file, at, w.by[0]) }, fault.BadSignature},
			"by nobody but the log": {func(b string) { w.proves(b, file, at) }, fault.BadSignature},
			"the proof of the claim": {func(b string) {
				w.proves(b, verify.ClaimFile, at, w.by...)
				write(t, filepath.Join(b, proof), read(t, b, verify.ClaimFile+verify.ProofSuffix))
			}, fault.WrongDigest},
			"another log's": {func(b string) {
				other := verifytest.NewLog("other.example")
				write(t, filepath.Join(b, proof), must(other.Enter(read(t, b, file), at, w.by...))(t))
			}, fault.BadSignature},
			"a folder": {func(b string) {
				remove(t, b, proof)
				if err := os.Mkdir(filepath.Join(b, proof), 0o755); err != nil {
					t.Fatal(err)
				}
			}, fault.NotRegular},
			"the proof, and the document signed again": {func(b string) { write(t, filepath.Join(b, file), w.signedAgain(b, file)) }, fault.WrongDigest},
		} {
			b := copyBundle(t, w.bundle)
			c.spoil(b)
			for _, after := range []time.Duration{0, longAfter} {
				v, err := w.at(b, after)
				var e *fault.Error
				if fault.Of(err) != c.class || v != nil || !errors.As(err, &e) || e.File != proof {
					t.Errorf("%s, %s: %+v, %v", file, name, v, err)
				}
			}
		}
	}
}

func TestAnOpeningThatOnlyTheWorkerEnteredIsJudged(t *testing.T) {
	w := newWatched(t)
	own := verifytest.NewLog("worker.example") // which no job names
	for name, c := range map[string]struct {
		received func(b string) // what the operator does
		deed     func(b string) // what the worker does
	}{
		"not received":                  {func(b string) { remove(t, b, verify.OpenedFile, verify.OpenedProofFile) }, func(string) {}},
		"received, and not logged":      {func(b string) { remove(t, b, verify.OpenedProofFile) }, func(string) {}},
		"received, and logged too late": {func(b string) { w.proves(b, verify.OpenedFile, lastOpening+1, w.by...) }, func(string) {}},
		"received, and dated too late": {func(b string) {
			if err := w.pool().Open(t.Context(), b, arrived.Add(longAfter)); err != nil {
				t.Fatal(err)
			}
			w.proves(b, verify.OpenedFile, lastOpening+1, w.by...)
		}, func(string) {}},
	} {
		b := copyBundle(t, w.bundle)
		c.received(b)
		w.entered(own, b, lastOpening, w.by...)
		for _, after := range []time.Duration{0, longAfter} {
			v, err := w.at(b, after)
			if err != nil || v.Finding.Outcome != verify.Pass || v.Finding.Word != verify.WitnessesWord {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
	}
}

func TestAFalseOpeningThatTheWorkerEnteredFails(t *testing.T) {
	w := newWatched(t)
	forged := w.dated(w.rig.bundle(w.forge(cheat{state: after(1, func(m *program.Machine) { flip(m.Tensors()[0], 0) })})))
	remove(t, forged, verify.OpenedFile)
	w.entered(w.log, forged, lastOpening, w.by...)
	if v := must(w.at(forged, 0))(t); v.Finding.Reason != verify.WrongUpdate || v.Finding.Word != verify.WitnessesWord {
		t.Errorf("forged: %+v", v.Finding)
	}
	garbage := newWatched(t)
	garbage.reopen(garbage.bundle, func(p []byte) []byte { return p[:8] })
	remove(t, garbage.bundle, verify.OpenedFile)
	garbage.entered(w.log, garbage.bundle, lastOpening, w.by...)
	if v := must(garbage.at(garbage.bundle, 0))(t); v.Finding.Reason != verify.Malformed {
		t.Errorf("garbage: %+v", v.Finding)
	}
}

func TestWhatTheWorkerCannotShowIsSilence(t *testing.T) {
	w := newWatched(t)
	for name, c := range map[string]struct {
		spoil func(b string)
		says  string
	}{
		"no entry":            {func(b string) { remove(t, b, verify.OpeningProofFile) }, "missing"},
		"entered too late":    {func(b string) { w.entered(w.log, b, lastOpening+1, w.by...) }, "witnesses saw it before"},
		"one witness too few": {func(b string) { w.entered(w.log, b, lastOpening, w.by[0]) }, "cosigned by 1"},
		"another entry": {func(b string) {
			write(t, filepath.Join(b, verify.OpeningProofFile), read(t, b, verify.ReceiptProofFile))
		}, "does not lead"},
		"a proof that is none": {func(b string) { write(t, filepath.Join(b, verify.OpeningProofFile), nil) }, "not a c2sp.org/tlog-proof"},
		"a segment withheld":   {func(b string) { remove(t, b, verify.OpeningsDir+"/"+filepath.Base(openings(t, b)[0])) }, "segment-00000000"},
		"a segment damaged": {func(b string) {
			write(t, openings(t, b)[0], bytes.Repeat([]byte("x"), len(read(t, filepath.Dir(openings(t, b)[0]), filepath.Base(openings(t, b)[0])))))
		}, "segment-00000000"},
		"the opening withheld": {func(b string) { remove(t, b, verify.OpeningFile) }, "opening.json: the file is missing"},
		"the opening damaged":  {func(b string) { write(t, filepath.Join(b, verify.OpeningFile), []byte("{}")) }, "opening.json"},
	} {
		b := copyBundle(t, w.bundle)
		remove(t, b, verify.OpenedFile)
		w.entered(w.log, b, lastOpening, w.by...)
		c.spoil(b)
		v, err := w.at(b, 3606*time.Second)
		if fault.Of(err) != fault.NotOpenedYet || v != nil || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		v, err = w.at(b, 3607*time.Second)
		if err != nil || v.Finding.Reason != verify.Unopened || v.Finding.Word != verify.OperatorsWord {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestALogWithoutWitnessesProvesNoTimeForAWorker(t *testing.T) {
	l, w := verifytest.NewLog("log.example/pool"), verifytest.NewWitness("w1.example")
	for name, terms := range map[string]*job.Log{"no log": nil, "a log without witnesses": l.Terms(0)} {
		r := newRig(t, mlp(), blobs(t, 12, 7), func(j *job.Job) { j.Steps, j.Stride, j.Sampled, j.Log = 4, 2, job.Exactly(2), terms })
		dir, _ := r.train(newCPU(t, kernels.Auto, 1))
		b := r.bundle(dir)
		if err := errors.Join(r.pool().Date(l, b), r.pool().Enter(l, b, arrived.Unix(), w)); err != nil {
			t.Fatal(err)
		}
		remove(t, b, verify.OpenedFile)
		if v, err := verify.Judge(t.Context(), b, keyOf(t, r.operator), r.options(kernels.Auto, 1)); fault.Of(err) != fault.NotOpenedYet || !strings.Contains(err.Error(), "proves no time") {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestAnArchiveHasItsProofs(t *testing.T) {
	w := newWatched(t)
	remove(t, w.bundle, verify.OpenedFile)
	w.entered(w.log, w.bundle, lastOpening, w.by...)
	for name, also := range map[string]map[string][]byte{"entered": nil, "received": {verify.OpenedFile: read(t, w.rig.bundle(w.trace), verify.OpenedFile)}} {
		files := load(t, w.bundle)
		maps.Copy(files, also)
		path := archived(t, func(out *tar.Writer) { add(t, out, tar.FormatUSTAR, "", files) })
		if v, err := w.at(path, longAfter); err != nil || v.Finding.Word != verify.WitnessesWord || v.Finding.Outcome != verify.Pass {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestADiskThatFailsMakesNoSilence reads a worker's entry from a disk that gives up.
func TestADiskThatFailsMakesNoSilence(t *testing.T) {
	w := newWatched(t)
	remove(t, w.bundle, verify.OpenedFile)
	w.entered(w.log, w.bundle, lastOpening, w.by...)
	folder := must(verify.OpenFolder(w.bundle))(t)
	defer folder.Close()
	for _, file := range []string{verify.OpeningProofFile, verify.OpeningFile, verify.OpeningsDir + "/" + filepath.Base(openings(t, w.bundle)[0])} {
		if _, err := verify.OpenCase(t.Context(), &spoiled{Source: folder, unreadable: file}, keyOf(t, w.operator)); fault.Of(err) != fault.Internal {
			t.Errorf("%s: %v", file, err)
		}
	}
	w.entered(w.log, w.bundle, lastOpening+1, w.by...) // what nobody saw in time is not read to its end
	if _, err := verify.OpenCase(t.Context(), &spoiled{Source: folder, unreadable: verify.OpeningsDir + "/" + filepath.Base(openings(t, w.bundle)[0])}, keyOf(t, w.operator)); err != nil {
		t.Error(err)
	}
}

// signedAgain is a document of a bundle with another signature.
func (w *watched) signedAgain(b, file string) []byte {
	w.t.Helper()
	switch file {
	case verify.AssignmentFile:
		return resigned[job.Assignment](w.t, b, file, job.AssignmentKind, w.operator)
	case verify.ReceiptFile:
		return resigned[verify.Receipt](w.t, b, file, "receipt", w.operator)
	}
	return resigned[verify.Opened](w.t, b, file, "opened", w.operator)
}

func resigned[T any](t testing.TB, bundle, file string, kind document.Kind, by crypto.Signer) []byte {
	t.Helper()
	doc := must(document.Peek[T](file, read(t, bundle, file), kind))(t)
	return must(document.Sign(kind, doc, by))(t)
}
