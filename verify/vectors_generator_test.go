package verify_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// deterministic signs as RFC 6979 says, so that a vector stays as it is.
type deterministic struct{ *ecdsa.PrivateKey }

func (d deterministic) Sign(_ io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return d.PrivateKey.Sign(nil, digest, o)
}

// generator makes vectors out of one honest bundle.
type generator struct {
	t                *testing.T
	name             string // of the bundle: one that is logged or registered has a log with witnesses, the latter on a chain with rounds
	log              *verifytest.Log
	witnesses        []*verifytest.Witness
	operator, worker deterministic
	stranger         deterministic
	bundle           map[string][]byte
	segment          string // the first opened one
	evidence         string // of the verdict on it
	found            verify.Finding
	results          []verify.Result
	all              []vectors.Vector
	rig              *rig
	trace            string // folder
}

func newGenerator(t *testing.T, name string) *generator {
	t.Helper()
	return newGeneratorOf(t, name, mlp(), func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 4, 2, job.Exactly(2) })
}

// newGeneratorOf makes an honest bundle of a job.
func newGeneratorOf(t *testing.T, name string, p *program.Program, change func(*job.Job)) *generator {
	t.Helper()
	log, witnesses := verifytest.NewLog("log.example/pool"), []*verifytest.Witness{verifytest.NewWitness("w1.example"), verifytest.NewWitness("w2.example")}
	logged := func(j *job.Job) {
		if change(j); name != "bundle" {
			j.Log = log.Terms(2, witnesses...)
		}
	}
	var r *rig
	if name == "registered" {
		r = newDrandRig(t, before1000, logged)
	} else {
		r = newRig(t, p, blobs(t, 12, 7), logged)
	}
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	path := r.bundle(dir)
	g := &generator{
		t: t, rig: r, trace: dir, name: name, log: log, witnesses: witnesses, operator: deterministic{r.operator}, worker: deterministic{r.worker}, stranger: deterministic{newKey(t, 9)},
		bundle: load(t, path), segment: verify.OpeningsDir + "/" + filepath.Base(openings(t, path)[0]),
	}
	// A document's digest does not depend on its signature, so that the documents still belong together.
	g.bundle[verify.JobFile] = amended(g, verify.JobFile, job.Kind, g.operator, func(*job.Job) {})
	g.bundle[verify.AssignmentFile] = g.assignment(func(*job.Assignment) {})
	g.bundle[verify.ClaimFile] = g.claim(func(*trace.Claim) {})
	g.bundle[verify.ReceiptFile] = g.receipt(func(*verify.Receipt) {})
	g.bundle[verify.OpeningFile] = g.opening(func(*verify.Opening) {})
	g.bundle[verify.OpenedFile] = g.openedBy(func(*verify.Opened) {})
	if name == "registered" {
		g.bundle[verify.RegistrationFile] = g.registration(g.operator, func(*job.Registration) {})
		g.bundle[verify.RegistrationProofFile] = g.proof(g.bundle[verify.RegistrationFile], r.arrived.Unix()+5, witnesses...)
	}
	if name != "bundle" {
		for _, file := range []string{verify.AssignmentFile, verify.ReceiptFile, verify.OpenedFile} {
			g.bundle[file+verify.ProofSuffix] = g.proof(g.bundle[file], r.arrived.Unix()+5, witnesses...)
		}
	}
	for name, data := range g.bundle {
		write(t, filepath.Join(path, name), data)
	}
	c := r.openCase(path)
	for _, result := range replayAll(t, c, need(t, c), newDevice(t, "replayer", kernels.Generic, 1)) {
		result.Path = "cpu"
		g.results = append(g.results, result)
	}
	slices.SortFunc(g.results, func(a, b verify.Result) int { return cmp.Compare(a.Segment, b.Segment) })
	v := r.judge(path, r.options(kernels.Auto, 1))
	g.evidence, g.found = v.Evidence.String(), v.Finding
	return g
}

// proof enters an entry into the log and shows it there, cosigned at a time.
func (g *generator) proof(entry []byte, at int64, by ...*verifytest.Witness) []byte {
	g.t.Helper()
	return must(g.log.Enter(entry, at, by...))(g.t)
}

// amended is a document of the bundle, altered and signed again.
func amended[T any](g *generator, file string, kind document.Kind, by deterministic, alter func(*T)) []byte {
	g.t.Helper()
	doc, err := document.Peek[T](file, g.bundle[file], kind)
	if err != nil {
		g.t.Fatal(err)
	}
	alter(&doc)
	signed, err := document.Sign(kind, doc, by)
	if err != nil {
		g.t.Fatal(err)
	}
	return signed
}

func (g *generator) job(alter func(*job.Job)) []byte {
	return amended(g, verify.JobFile, job.Kind, g.operator, alter)
}

func (g *generator) claim(alter func(*trace.Claim)) []byte {
	return amended(g, verify.ClaimFile, trace.ClaimKind, g.worker, alter)
}

func (g *generator) receipt(alter func(*verify.Receipt)) []byte {
	return amended(g, verify.ReceiptFile, "receipt", g.operator, alter)
}

func (g *generator) assignment(alter func(*job.Assignment)) []byte {
	return amended(g, verify.AssignmentFile, job.AssignmentKind, g.operator, alter)
}

// registration is that of the bundle's assignment.
func (g *generator) registration(by deterministic, alter func(*job.Registration)) []byte {
	g.t.Helper()
	a := must(document.Peek[job.Assignment]("", g.bundle[verify.AssignmentFile], job.AssignmentKind))(g.t)
	r := job.Registration{Version: job.RegistrationVersion, Job: a.Job, Worker: a.Worker, Slot: a.Slot, At: a.Registered}
	alter(&r)
	return must(document.Sign(job.RegistrationKind, r, by))(g.t)
}

func (g *generator) opening(alter func(*verify.Opening)) []byte {
	return amended(g, verify.OpeningFile, "opening", g.worker, alter)
}

// committed is other leaves, claimed and received.
func (g *generator) committed(leaves []byte) map[string][]byte {
	g.t.Helper()
	in, err := trace.NewLeaves(bytes.NewReader(leaves), verify.LeavesFile, 4)
	for err == nil {
		_, err = in.Next()
	}
	if err != io.EOF {
		g.t.Fatal(err)
	}
	claim := g.claim(func(c *trace.Claim) { c.Root = in.Root() })
	_, digest, err := trace.ReadClaim(verify.ClaimFile, claim)
	if err != nil {
		g.t.Fatal(err)
	}
	receipt := g.receipt(func(r *verify.Receipt) { r.Claim, r.Root = digest, in.Root() })
	return map[string][]byte{verify.LeavesFile: leaves, verify.ClaimFile: claim, verify.ReceiptFile: receipt}
}

// openedBy is the receipt of the opening, altered.
func (g *generator) openedBy(alter func(*verify.Opened)) []byte {
	return amended(g, verify.OpenedFile, "opened", g.operator, alter)
}

// answered is another opening with its receipt.
func (g *generator) answered(alter func(*verify.Opening)) map[string][]byte {
	g.t.Helper()
	opening := g.opening(alter)
	o, err := document.Peek[verify.Opening](verify.OpeningFile, opening, "opening")
	if err != nil {
		g.t.Fatal(err)
	}
	digest, err := document.Digest("opening", o)
	if err != nil {
		g.t.Fatal(err)
	}
	return map[string][]byte{verify.OpeningFile: opening, verify.OpenedFile: g.openedBy(func(o *verify.Opened) { o.Opening = digest })}
}

// reopened are the files that answer another receipt for the bundle's claim, without the opening's own receipt.
func (g *generator) reopened(receipt []byte) map[string][]byte {
	g.t.Helper()
	p := g.rig.pool()
	p.Documents.Receipt = receipt
	tr := must(trace.Read(g.trace, p.Terms.Trace()))(g.t)
	defer tr.Close()
	dir := filepath.Join(g.t.TempDir(), "again")
	err := verify.Answer(g.t.Context(), verify.Response{
		Terms: p.Terms, Documents: p.Documents, Trace: tr, Data: p.Data, Signer: g.worker, Device: newDevice(g.t, "worker's", kernels.Generic, 1),
	}, dir)
	if err != nil {
		g.t.Fatal(err)
	}
	files := load(g.t, dir)
	maps.DeleteFunc(files, func(name string, _ []byte) bool {
		return name != verify.OpeningFile && !strings.HasPrefix(name, verify.OpeningsDir)
	})
	return files
}

// edited is a file of the bundle with one change of its bytes.
func (g *generator) edited(file string, edit func([]byte) []byte) []byte {
	return edit(bytes.Clone(g.bundle[file]))
}

func (g *generator) swapped(file, old, new string) []byte {
	g.t.Helper()
	if !bytes.Contains(g.bundle[file], []byte(old)) {
		g.t.Fatalf("%s does not hold %s", file, old)
	}
	return bytes.Replace(g.bundle[file], []byte(old), []byte(new), 1)
}

// payload is a document whose payload has one change, signed again as it stands.
func (g *generator) payload(file string, kind document.Kind, by deterministic, old, new string) []byte {
	g.t.Helper()
	env, err := document.Decode[dsse.Envelope](file, g.bundle[file])
	if err != nil {
		g.t.Fatal(err)
	}
	plain, err := base64.StdEncoding.DecodeString(env.Payload)
	if err != nil || !bytes.Contains(plain, []byte(old)) {
		g.t.Fatalf("%s: no %s: %v", file, old, err)
	}
	signed, err := document.Sign(kind, json.RawMessage(bytes.Replace(plain, []byte(old), []byte(new), 1)), by)
	if err != nil {
		g.t.Fatal(err)
	}
	return signed
}

// opened is another first segment, and the opening in which the worker signs for it.
func (g *generator) opened(alter func(plain []byte) []byte) map[string][]byte {
	g.t.Helper()
	in, err := safetensors.Decompress(bytes.NewReader(g.bundle[g.segment]), g.segment, 1<<30)
	if err != nil {
		g.t.Fatal(err)
	}
	plain, err := io.ReadAll(in)
	if err != nil {
		g.t.Fatal(err)
	}
	var packed bytes.Buffer
	out, err := safetensors.Compress(&packed)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := out.Write(alter(plain)); err != nil {
		g.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		g.t.Fatal(err)
	}
	return g.packed(packed.Bytes())
}

func (g *generator) packed(file []byte) map[string][]byte {
	files := g.answered(func(o *verify.Opening) {
		o.Segments[0].Size, o.Segments[0].Digest = int64(len(file)), sha256.Sum256(file)
	})
	files[g.segment] = file
	return files
}

// concluded are results, altered.
func (g *generator) concluded(alter func([]verify.Result) []verify.Result) map[string][]byte {
	g.t.Helper()
	data, err := document.Encode(alter(append([]verify.Result(nil), g.results...)))
	if err != nil {
		g.t.Fatal(err)
	}
	return map[string][]byte{"results.json": data}
}

// add adds a vector. What is refused is of a class, in a file and a field; facts are pairs.
func (g *generator) add(name, comment string, class fault.Class, file, field string, files map[string][]byte, facts ...string) {
	v := vectors.Vector{Name: name, Comment: comment, Class: string(class), File: file, Field: field, Facts: map[string]string{}, Files: maps.Clone(files)}
	if g.name != "bundle" {
		v.Facts["bundle"] = g.name
	}
	for i := 0; i < len(facts); i += 2 {
		v.Facts[facts[i]] = facts[i+1]
	}
	g.all = append(g.all, v)
}

// one adds a vector of one changed file, which is the one that is refused.
func (g *generator) one(name, comment string, class fault.Class, file, field string, data []byte) {
	g.add(name, comment, class, file, field, map[string][]byte{file: data})
}

// envelope is a document whose envelope has one change.
func (g *generator) envelope(file string, change func(*dsse.Envelope)) []byte {
	g.t.Helper()
	env, err := document.Decode[dsse.Envelope](file, g.bundle[file])
	if err != nil {
		g.t.Fatal(err)
	}
	change(&env)
	return g.encoded(env)
}

func (g *generator) encoded(doc any) []byte {
	g.t.Helper()
	data, err := document.Encode(doc)
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

// fails adds a vector of a claim that fails, with the evidence root that it has here.
func (g *generator) fails(name, comment string, reason verify.Reason, files map[string][]byte, facts ...string) {
	g.t.Helper()
	g.judged(name, comment, "FAIL "+string(reason), files, facts...)
}

// judged adds a vector of a claim that is judged, with the evidence root that it has here.
func (g *generator) judged(name, comment, verdict string, files map[string][]byte, facts ...string) {
	g.t.Helper()
	v := vectors.Vector{Files: files, Facts: map[string]string{}}
	for i := 0; i < len(facts); i += 2 {
		v.Facts[facts[i]] = facts[i+1]
	}
	dir := filepath.Join(g.t.TempDir(), "bundle")
	for name, data := range g.bundle {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			g.t.Fatal(err)
		}
		write(g.t, filepath.Join(dir, name), data)
	}
	judged, err := judgeVector(g.t, dir, v)
	if err != nil || fmt.Sprintf("%s %s", judged.Finding.Outcome, judged.Finding.Reason) != verdict {
		g.t.Fatalf("%s: %+v, %v", name, judged, err)
	}
	g.add(name, comment, "", "", "", files, append(facts, "verdict", verdict, "evidence", judged.Evidence.String())...)
}

func unix(t int64) string { return strconv.FormatInt(t, 10) }
