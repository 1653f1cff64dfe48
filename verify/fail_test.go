package verify_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// nan is the bits of a number that is none.
const nan = 0x7fc00000

func TestWhatTheWorkerSignedAndNobodyCanReadFailsAtAnyTime(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	plain := func(alter func(p []byte) []byte) func(string) { return func(b string) { r.reopen(b, alter) } }
	for name, spoil := range map[string]func(b string){
		"a segment that is no zstd": func(b string) { r.replace(b, []byte("not zstd at all")) },
		"a bomb":                    plain(func(p []byte) []byte { return append(p, make([]byte, 64<<20)...) }),
		"a bomb of a header":        plain(func([]byte) []byte { return bytes.Repeat([]byte{0xff}, 64<<20) }),
		"a header that is no object": plain(func(p []byte) []byte {
			p[8] = '['
			return p
		}),
		"a NaN": plain(func(p []byte) []byte {
			at := 8 + binary.LittleEndian.Uint64(p)
			binary.LittleEndian.PutUint32(p[at+4:], math.Float32bits(float32(math.NaN())))
			return p
		}),
		"a mislabelled tensor": plain(func(p []byte) []byte {
			return bytes.Replace(p, []byte(`"state/param/net.0.weight"`), []byte(`"state/param/net.1.weight"`), 1)
		}),
		"a relabelled type":              plain(func(p []byte) []byte { return bytes.Replace(p, []byte(`"dtype":"F32"`), []byte(`"dtype":"I32"`), 1) }),
		"a truncated tensor":             plain(func(p []byte) []byte { return p[:len(p)-5] }),
		"a segment of nothing":           plain(func([]byte) []byte { return nil }),
		"an answer to another challenge": func(b string) { r.resign(b, func(o *verify.Opening) { o.Seed[0] ^= 1 }) },
		"an answer of fewer segments":    func(b string) { r.resign(b, func(o *verify.Opening) { o.Segments = o.Segments[1:] }) },
		"an answer of no segments":       func(b string) { r.resign(b, func(o *verify.Opening) { o.Segments = nil }) },
		"an answer in another order": func(b string) {
			r.resign(b, func(o *verify.Opening) { o.Segments[0], o.Segments[1] = o.Segments[1], o.Segments[0] })
		},
		"a segment past all numbers":  func(b string) { r.resign(b, func(o *verify.Opening) { o.Segments[0].Segment = 1<<64 - 1 }) },
		"a file that no segment has":  func(b string) { r.resign(b, func(o *verify.Opening) { o.Segments[0].Size = 1 << 62 }) },
		"a file of less than nothing": func(b string) { r.resign(b, func(o *verify.Opening) { o.Segments[0].Size = -1 }) },
	} {
		b := copyBundle(t, good)
		spoil(b)
		for _, now := range []time.Time{{}, arrived.Add(1000 * time.Hour)} {
			o := r.options(kernels.Auto, 1)
			o.Now = now
			v, err := verify.Judge(t.Context(), b, keyOf(t, r.operator), o)
			if err != nil || v.Finding.Outcome != verify.Fail || v.Finding.Reason != verify.Malformed {
				t.Errorf("%s, judged at %v: %+v, %v", name, now, v, err)
			}
		}
		// The operator receives it all the same: it is whole.
		if err := os.Remove(filepath.Join(b, verify.OpenedFile)); err != nil {
			t.Fatal(err)
		}
		if err := r.pool().Open(t.Context(), b, arrived.Add(time.Minute)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLeavesThatWereCommittedToAndCannotBeAreAFail(t *testing.T) {
	const at = 13
	for name, alter := range map[string]func(l *trace.Leaf){
		"a loss of NaN":          func(l *trace.Leaf) { l.Loss = nan },
		"an infinite clip":       func(l *trace.Leaf) { l.Clip = 0x7f800000 },
		"the step before":        func(l *trace.Leaf) { l.Step-- },
		"a step of 2^64-1":       func(l *trace.Leaf) { l.Step = 1<<64 - 1 },
		"a step of another slot": func(l *trace.Leaf) { l.Step += 23 },
	} {
		r := newRig(t, mlp(), blobs(t, 40, 7), nil)
		b := r.bundle(r.forge(cheat{record: func(t uint64, s *trace.Step, _ *verifytest.Forger) {
			if t == at {
				alter(&s.Leaf)
			}
		}}))
		for _, file := range []string{verify.OpeningFile, verify.OpenedFile} { // nothing of the opening is needed
			if err := os.Remove(filepath.Join(b, file)); err != nil {
				t.Fatal(err)
			}
		}
		f := r.judge(b, r.options(kernels.Auto, 1)).Finding
		if f.Outcome != verify.Fail || f.Reason != verify.Malformed || f.First == nil || f.First.Step != at {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestAnOpeningIsInTimeByItsReceiptAndByNothingElse(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	for seconds, reason := range map[int]verify.Reason{1: verify.Honest, 3606: verify.Honest, 3607: verify.Late, 365 * 86400: verify.Late} {
		b := copyBundle(t, good)
		if err := r.pool().Open(t.Context(), b, arrived.Add(time.Duration(seconds)*time.Second-time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for _, now := range []time.Time{{}, arrived, arrived.Add(10 * 365 * 24 * time.Hour)} {
			o := r.options(kernels.Auto, 1)
			o.Now = now
			f := r.judge(b, o).Finding
			if f.Reason != reason || (f.Outcome == verify.Pass) != (reason == verify.Honest) {
				t.Errorf("received after %d s, judged at %v: %s for %s", seconds, now, f.Outcome, f.Reason)
			}
		}
	}
}

func TestAnOpeningThatIsNotWholeGetsNoReceipt(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	for name, spoil := range map[string]func(b string){
		"no opening":        func(b string) { os.Remove(filepath.Join(b, verify.OpeningFile)) },
		"a segment missing": func(b string) { os.Remove(openings(t, b)[1]) },
		"a segment damaged": func(b string) {
			d := read(t, openings(t, b)[1])
			d[len(d)/2] ^= 1
			write(t, openings(t, b)[1], d)
		},
		"a segment cut":                func(b string) { write(t, openings(t, b)[1], read(t, openings(t, b)[1])[:50]) },
		"an answer to another receipt": func(b string) { r.resign(b, func(o *verify.Opening) { o.Receipt[0] ^= 1 }) },
		"by another":                   func(b string) { r.sign(filepath.Join(b, verify.OpeningFile), "opening", verify.Opened{}) },
	} {
		b := copyBundle(t, good)
		spoil(b)
		if err := r.pool().Open(t.Context(), b, arrived.Add(time.Minute)); err == nil {
			t.Errorf("%s: received", name)
		}
	}
}
