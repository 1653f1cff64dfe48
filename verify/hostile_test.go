package verify_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// copyBundle copies a bundle so that a test may spoil it.
func copyBundle(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func read(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// openings lists the segment files of a bundle.
func openings(t testing.TB, bundle string) []string {
	t.Helper()
	return must(verifytest.Openings(bundle))(t)
}

// reopen alters the first opened segment as a dishonest worker would, who signs what he sends.
func (r *rig) reopen(bundle string, alter func(plain []byte) []byte) {
	r.t.Helper()
	if err := r.pool().Reopen(bundle, 0, alter); err != nil {
		r.t.Fatal(err)
	}
}

// replace puts another first segment file into the bundle and signs for it.
func (r *rig) replace(bundle string, file []byte) {
	r.t.Helper()
	if err := r.pool().Replace(bundle, 0, file); err != nil {
		r.t.Fatal(err)
	}
}

// resign alters the signed opening with the worker's key.
func (r *rig) resign(bundle string, alter func(*verify.Opening)) {
	r.t.Helper()
	if err := r.pool().Resign(bundle, alter); err != nil {
		r.t.Fatal(err)
	}
}

// reopened alters the receipt of the opening with the operator's key.
func (r *rig) reopened(bundle string, alter func(*verify.Opened)) {
	r.t.Helper()
	if err := r.pool().Reopened(bundle, alter); err != nil {
		r.t.Fatal(err)
	}
}

// sign writes a document signed by anybody.
func (r *rig) sign(path string, kind document.Kind, doc any) {
	r.t.Helper()
	signed, err := document.Sign(kind, doc, r.worker)
	if err != nil {
		r.t.Fatal(err)
	}
	write(r.t, path, signed)
}

func TestBadBundlesGiveOneErrorThatNamesFileAndField(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	other := newRigWith(t, newKey(t, 3), newKey(t, 4), mlp(), blobs(t, 40, 7), nil)
	otherDir, _ := other.train(newCPU(t, kernels.Auto, 1))
	foreign := other.bundle(otherDir)
	segment := "openings/" + filepath.Base(openings(t, good)[0])

	// spoil returns a case that rewrites one file.
	spoil := func(name string, change func([]byte) []byte) func(string) {
		return func(b string) { write(t, filepath.Join(b, name), change(read(t, b, name))) }
	}
	claim, err := document.Peek[trace.Claim]("", r.docs.Claim, trace.ClaimKind)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := document.Peek[verify.Receipt]("", r.docs.Receipt, "receipt")
	if err != nil {
		t.Fatal(err)
	}
	// claimed signs an altered claim, with a receipt for it.
	claimed := func(change func(*trace.Claim)) func(string) {
		return func(b string) {
			c := claim
			change(&c)
			r.sign(filepath.Join(b, verify.ClaimFile), trace.ClaimKind, c)
		}
	}
	cases := []struct {
		name  string
		spoil func(bundle string)
		words string
	}{
		{"no job", func(b string) { os.Remove(filepath.Join(b, "job.json")) }, "job.json: the file is missing"},
		{"no leaves", func(b string) { os.Remove(filepath.Join(b, "leaves.bin")) }, "leaves.bin: the file is missing"},
		{"no opening that was received", func(b string) { os.Remove(filepath.Join(b, "opening.json")) }, "opening.json: the file is missing"},
		{"no receipt for the opening in time", func(b string) { os.Remove(filepath.Join(b, "opened.json")) }, "opened.json: the file is missing"},
		{"no assignment", func(b string) { os.Remove(filepath.Join(b, "assignment.json")) }, "assignment.json: the file is missing"},
		{"another operator's assignment", spoil("assignment.json", func([]byte) []byte { return other.docs.Assignment }), "assignment.json: the signature"},
		{"no segment", func(b string) { os.Remove(openings(t, b)[0]) }, segment + ": the file is missing"},
		{"a link", func(b string) {
			os.Remove(filepath.Join(b, "claim.json"))
			os.Symlink(filepath.Join(good, "claim.json"), filepath.Join(b, "claim.json"))
		}, "claim.json: not a regular file"},
		{"a folder", func(b string) {
			os.Remove(filepath.Join(b, "claim.json"))
			os.Mkdir(filepath.Join(b, "claim.json"), 0o755)
		}, "claim.json: not a regular file"},
		{"oversized job", spoil("job.json", func(d []byte) []byte { return append(d, make([]byte, document.MaxSize)...) }), "job.json: 10"},
		{"truncated job", spoil("job.json", func(d []byte) []byte { return d[:len(d)-9] }), "job.json: not JSON"},
		{"deep job", spoil("job.json", func([]byte) []byte { return bytes.Repeat([]byte("["), 1<<19) }), "job.json: "},
		{"mislabelled job", spoil("job.json", func([]byte) []byte { return r.docs.Claim }), `job.json: payloadType: "application/vnd.verifyd.claim.v1+json"`},
		{"another operator's job", spoil("job.json", func([]byte) []byte { return other.docs.Job }), "job.json: the signature is not by the expected key"},
		{"spaced job", spoil("job.json", func(d []byte) []byte { return append([]byte(" "), d...) }), "job.json: not canonical"},
		{"another program", spoil("program.json", func([]byte) []byte {
			p := mlp()
			p.ClipNorm = 1
			return p.JSON()
		}), "program.json: digest"},
		{"broken program", spoil("program.json", func(d []byte) []byte { return d[:40] }), "program.json: unexpected EOF"},
		{"another job's claim", spoil("claim.json", func([]byte) []byte { return other.docs.Claim }), "claim.json: job"},
		{"claim of another slot", claimed(func(c *trace.Claim) { c.Slot = 2 }), "claim.json: slot: 2"},
		{"claim of fewer steps", claimed(func(c *trace.Claim) { c.Steps = 22 }), "claim.json: steps: 22"},
		{"claim of another version", claimed(func(c *trace.Claim) { c.Version = "verifyd-claim/2" }), `claim.json: version: "verifyd-claim/2"`},
		{"claim in another's name", claimed(func(c *trace.Claim) { c.Worker = keyOf(t, other.worker) }), "claim.json: the signature"},
		{"claim without receipt", claimed(func(c *trace.Claim) { c.Root[0] ^= 1 }), "receipt.json: claim"},
		{"receipt by the worker", func(b string) {
			r.sign(filepath.Join(b, "receipt.json"), "receipt", receipt)
		}, "receipt.json: the signature"},
		{"another claim's receipt", spoil("receipt.json", func([]byte) []byte { return other.docs.Receipt }), "receipt.json: the signature"},
		{"another beacon", spoil("beacon.json", func([]byte) []byte {
			_, b := beacon.NewFixed([32]byte{9})
			d, _ := document.Encode(b)
			return d
		}), "beacon.json: value"},
		{"another round", spoil("beacon.json", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"round":1`), []byte(`"round":2`), 1)
		}), "beacon.json: round: 2"},
		{"truncated leaves", spoil("leaves.bin", func(d []byte) []byte { return d[:len(d)-1] }), "leaves.bin: leaf 22: the file is truncated"},
		{"trailing leaves", spoil("leaves.bin", func(d []byte) []byte { return append(d, 0) }), "leaves.bin: 3329 bytes, the limit is 3328"},
		{"empty leaves", spoil("leaves.bin", func([]byte) []byte { return nil }), "leaves.bin: header: the file is truncated"},
		{"leaves of another version", spoil("leaves.bin", func(d []byte) []byte { d[7] = '2'; return d }), "leaves.bin: header: begins with"},
		{"miscounted leaves", spoil("leaves.bin", func(d []byte) []byte { d[8]++; return d }), "leaves.bin: header: 24 leaves"},
		{"reordered leaves that are not the claimed ones", spoil("leaves.bin", func(d []byte) []byte {
			first := append([]byte(nil), d[16:16+trace.LeafSize]...)
			copy(d[16:], d[16+trace.LeafSize:16+2*trace.LeafSize])
			copy(d[16+trace.LeafSize:], first)
			return d
		}), "leaves.bin: root"},
		{"a NaN loss that is not the claimed one", spoil("leaves.bin", func(d []byte) []byte {
			binary.LittleEndian.PutUint32(d[16+trace.LeafSize-4:], 0x7fc00000)
			return d
		}), "leaves.bin: root"},
		{"a damaged leaf", spoil("leaves.bin", func(d []byte) []byte { d[100] ^= 1; return d }), "leaves.bin: root"},
		{"another claim's leaves", spoil("leaves.bin", func([]byte) []byte { return read(t, foreign, "leaves.bin") }), "leaves.bin: root"},
		{"another's opening", spoil("opening.json", func([]byte) []byte { return read(t, foreign, "opening.json") }), "opening.json: the signature"},
		{"opening to another receipt", func(b string) {
			r.resign(b, func(o *verify.Opening) { o.Receipt[0] ^= 1 })
		}, "opening.json: receipt"},
		{"a receipt of another opening", func(b string) {
			r.reopened(b, func(o *verify.Opened) { o.Opening[0] ^= 1 })
		}, "opened.json: opening"},
		{"a receipt of an opening to another receipt", func(b string) {
			r.reopened(b, func(o *verify.Opened) { o.Receipt[0] ^= 1 })
		}, "opened.json: receipt"},
		{"a damaged segment", func(b string) {
			d := read(t, b, segment)
			d[len(d)/2] ^= 1
			write(t, filepath.Join(b, segment), d)
		}, segment + ": SHA-256"},
		{"a truncated segment", func(b string) {
			write(t, filepath.Join(b, segment), read(t, b, segment)[:100])
		}, segment + ": 100 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := copyBundle(t, good)
			c.spoil(b)
			v, err := verify.Judge(context.Background(), b, keyOf(t, r.operator), r.options(kernels.Auto, 1))
			if err == nil {
				t.Fatalf("judged: %+v", v.Finding)
			}
			if v != nil || !strings.HasPrefix(err.Error(), c.words) {
				t.Errorf("error %q does not begin with %q", err, c.words)
			}
			if class := verify.ClassOf(err); class.Blames() == verify.SideMachine {
				t.Errorf("%v is of class %s, which blames this machine", err, class)
			}
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("not one clear line: %q", err)
			}
		})
	}
}

func TestRowsThatAreNotTheJobsFail(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	infos := openedTensors(t, openings(t, good)[0])
	for name, tensor := range map[string]string{
		"x": "step/0001/x", "y": "step/0001/y", "proof": "step/0001/proofs", "id": "step/0001/ids",
	} {
		b := copyBundle(t, good)
		r.reopen(b, func(p []byte) []byte { p[infos[tensor]] ^= 1; return p })
		f := r.judge(b, r.options(kernels.Auto, 1)).Finding
		if f.Outcome != verify.Fail || f.Reason != verify.WrongSample {
			t.Errorf("%s: %s for %s", name, f.Outcome, f.Reason)
		}
	}
	for tensor, reason := range map[string]verify.Reason{
		"state/param/net.0.weight": verify.WrongState,
		"step/0000/gradients":      verify.WrongDigests,
		"step/0000/next":           verify.WrongDigests,
	} {
		b := copyBundle(t, good)
		r.reopen(b, func(p []byte) []byte { p[infos[tensor]] ^= 1; return p })
		if f := r.judge(b, r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != reason {
			t.Errorf("%s: %s for %s", tensor, f.Outcome, f.Reason)
		}
	}
}

// openedTensors gives the offset of each tensor in the plain bytes of an opened segment.
func openedTensors(t testing.TB, path string) map[string]int {
	t.Helper()
	return must(verifytest.Offsets(must(verifytest.Unpack(path))(t)))(t)
}

func TestSilencePastTheDeadlineFails(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	b := r.bundle(dir)
	if err := os.Remove(filepath.Join(b, verify.OpenedFile)); err != nil { // whatever else lies there
		t.Fatal(err)
	}
	o := r.options(kernels.Auto, 1)
	for late, want := range map[int]bool{3606: false, 3607: true} { // the beacon is six seconds behind the arrival
		o.Now = arrived.Add(time.Duration(late) * time.Second)
		v, err := verify.Judge(context.Background(), b, keyOf(t, r.operator), o)
		if !want {
			if err == nil {
				t.Errorf("judged %d seconds after arrival: %+v", late, v.Finding)
			}
			continue
		}
		if err != nil || v.Finding.Outcome != verify.Fail || v.Finding.Reason != verify.Unopened || v.Finding.Word != verify.OperatorsWord {
			t.Errorf("%+v, %v", v, err)
		}
	}
}

func TestAnOpeningThatArrivedIsJudgedAtAnyTimeAndItsLossIsNobodysFail(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	good := r.bundle(dir)
	o := r.options(kernels.Auto, 1)
	o.Now = arrived.Add(1000 * time.Hour)
	if f := r.judge(good, o).Finding; f.Outcome != verify.Pass {
		t.Errorf("an answer judged late: %+v", f)
	}
	for name, spoil := range map[string]func(b string){
		"no opening":     func(b string) { os.Remove(filepath.Join(b, verify.OpeningFile)) },
		"broken opening": func(b string) { write(t, filepath.Join(b, verify.OpeningFile), []byte("{}")) },
		"broken receipt": func(b string) { write(t, filepath.Join(b, verify.OpenedFile), []byte("{}")) },
		"no segment":     func(b string) { os.Remove(openings(t, b)[0]) },
		"other segment":  func(b string) { write(t, openings(t, b)[0], []byte("x")) },
	} {
		b := copyBundle(t, good)
		spoil(b)
		if v, err := verify.Judge(context.Background(), b, keyOf(t, r.operator), o); err == nil {
			t.Errorf("%s: %+v", name, v.Finding)
		}
	}
}
