package canary

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// must is for a call whose error ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rig is a pool with a job of eight segments, of which three and the last one are replayed.
type rig struct {
	*testing.T
	pool    *verifytest.Pool
	runner  *kernels.CPU
	devices []engine.Device
}

func newRig(t *testing.T, change func(*job.Job)) *rig {
	t.Helper()
	data := must(verifytest.Blobs(30, 7))(t)
	pool := must(verifytest.NewPool(t.Context(), verifytest.Setting{Program: verifytest.MLP(), Data: data, Job: change}))(t)
	auto, plain := must(kernels.NewCPU(kernels.Options{Threads: 1}))(t), must(kernels.NewCPU(kernels.Options{Threads: 1, ISA: kernels.Generic}))(t)
	t.Cleanup(auto.Close)
	t.Cleanup(plain.Close)
	return &rig{t, pool, auto, []engine.Device{engine.NewCPU("auto", auto, 1), engine.NewCPU("plain", plain, 1)}}
}

// make makes a canary and its trace.
func (r *rig) make(kind Kind, seed uint64) (dir string, a *Answer) {
	r.Helper()
	dir = filepath.Join(r.TempDir(), "trace")
	w := Work{r.pool.Terms, r.pool.Data, r.pool.Documents.Assignment, r.runner}
	s, a, err := w.Make(r.Context(), kind, rand.New(rand.NewPCG(seed, 1)), dir)
	if err != nil {
		r.Fatal(err)
	}
	if s.Root != a.Root {
		r.Errorf("root %v, the answer has %v", s.Root, a.Root)
	}
	return dir, a
}

// claim claims a trace at a time and answers what the beacon asks.
func (r *rig) claim(traceDir string, later int64) (bundle string) {
	r.Helper()
	p := r.pool.Again(later)
	tr := must(trace.Read(traceDir, p.Terms.Trace()))(r)
	defer tr.Close()
	bundle = filepath.Join(r.TempDir(), "bundle")
	if err := p.Claim(tr.Summary()); err != nil {
		r.Fatal(err)
	}
	err := verify.Answer(r.Context(), verify.Response{Terms: p.Terms, Documents: p.Documents, Trace: tr, Data: p.Data, Signer: p.Worker, Device: r.devices[0]}, bundle)
	if err == nil {
		if err = p.Open(r.Context(), bundle, p.Arrived.Add(10*time.Second)); fault.Of(err) == fault.WrongChallenge {
			err = nil // not drawn for audit
		}
	}
	if err != nil {
		r.Fatal(err)
	}
	return bundle
}

// open opens a bundle as a case.
func (r *rig) open(bundle string) *verify.Case {
	r.Helper()
	source := must(verify.OpenBundle(bundle))(r)
	r.Cleanup(func() { _ = source.Close() })
	return must(verify.OpenCase(r.Context(), source, must(verifytest.KeyOf(r.pool.Operator))(r)))(r)
}

// order is that of a case's walk.
func (r *rig) order(c *verify.Case) []uint64 {
	r.Helper()
	if !c.Challenge.Audited {
		return nil
	}
	return must(c.Order(r.Context(), r.devices[1]))(r)
}

func (r *rig) options(verifier merkle.Hash) verify.Options {
	return verify.Options{Devices: r.devices, Verifier: verifier}
}

func TestWhatIsExpectedOfACanaryIsWhatAVerifierFindsWhateverIsDrawn(t *testing.T) {
	r := newRig(t, func(j *job.Job) { j.Steps, j.Audit = 72, 800_000 })
	found := map[verify.Outcome]int{}
	missed := 0
	for _, kind := range Kinds() {
		for seed := range uint64(12) { // few lies escape both the draw and the moves
			dir, a := r.make(kind, seed)
			for later := range int64(4) {
				c := r.open(r.claim(dir, later))
				want := must(a.Expect(r.pool.Terms, c.Challenge, r.order(c)))(t)
				f := must(c.Judge(t.Context(), r.options(merkle.Hash{})))(t).Finding
				if !want.is(f) {
					t.Errorf("%s with false steps %d, drawn %d: %s at %+v, expected %+v", kind, a.False, c.Challenge.Segments, f.Outcome, f.First, want)
				}
				found[want.Outcome]++
				if kind != Good && want.Outcome == verify.Pass {
					missed++
				}
			}
		}
	}
	if found[verify.Pass] < 5 || found[verify.Fail] < 5 || found[verify.Unaudited] == 0 || missed == 0 {
		t.Errorf("%v, of them %d lies that were not drawn: not all is tried", found, missed)
	}
}

func TestWhatAWalkReplaysIsExpectedAndNothingElse(t *testing.T) {
	r := newRig(t, nil)
	a := &Answer{Kind: Cheap, Job: r.pool.Terms.Digest, False: []uint64{5, 20}} // segments 1 and 6
	ch := &verify.Challenge{Audited: true}
	for name, c := range map[string]struct {
		order []uint64
		want  Expected
	}{
		"neither":      {[]uint64{0, 4, 7}, Expected{Outcome: verify.Pass}},
		"to the lie":   {[]uint64{0, 4, 7, 2, 1}, Expected{verify.Fail, 5}},
		"to the other": {[]uint64{0, 4, 7, 6, 1}, Expected{verify.Fail, 20}},
	} {
		if got, err := a.Expect(r.pool.Terms, ch, c.order); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	ch.Audited = false
	if got := must(a.Expect(r.pool.Terms, ch, nil))(t); got.Outcome != verify.Unaudited {
		t.Errorf("%+v", got)
	}
	a.False[1] = 23
	if _, err := a.Expect(r.pool.Terms, ch, nil); fault.Of(err) != fault.OutOfRange {
		t.Error(err)
	}
	a.Job[0]++
	if _, err := a.Expect(r.pool.Terms, ch, nil); fault.Of(err) != fault.WrongJob {
		t.Error(err)
	}
}

// files are a folder's files with their sizes, and of those that lie there unpacked.
func files(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		data := must(os.ReadFile(path))(t)
		if strings.HasSuffix(path, ".zst") {
			data = must(verifytest.Unpack(path))(t)
		}
		if strings.Contains(strings.ToLower(string(data)), "canary") {
			t.Errorf("%s says what it is", path)
		}
		switch sizes[name] = int64(len(data)); {
		case strings.HasSuffix(name, ".json") && !strings.HasSuffix(name, "program.json"):
			sizes[name] = int64(strings.Count(string(data), `"`)) // sizes of signatures vary by themselves
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

func TestACanaryLooksLikeAnyOtherClaim(t *testing.T) {
	r := newRig(t, nil)
	honest := filepath.Join(t.TempDir(), "honest")
	must(r.pool.Train(t.Context(), r.devices[0], honest))(t)
	wantTrace, wantBundle := files(t, honest), files(t, r.claim(honest, 0))
	for _, kind := range Kinds() {
		dir, a := r.make(kind, 5)
		if got := files(t, dir); fmt.Sprint(got) != fmt.Sprint(wantTrace) {
			t.Errorf("%s: the trace has %v, an honest one %v", kind, got, wantTrace)
		}
		bundle := r.claim(dir, 0)
		got := files(t, bundle)
		// Other segments are drawn of it.
		names := func(all map[string]int64) (list []string) {
			for name, size := range all {
				if !strings.HasPrefix(name, verify.OpeningsDir) {
					list = append(list, fmt.Sprint(name, size))
				}
			}
			slices.Sort(list)
			return list
		}
		if !slices.Equal(names(got), names(wantBundle)) {
			t.Errorf("%s: the bundle has %v, an honest one %v", kind, names(got), names(wantBundle))
		}
		if kind == Good && len(a.False) == 0 {
			leaves := must(os.ReadFile(filepath.Join(bundle, verify.LeavesFile)))(t)
			if want := must(os.ReadFile(filepath.Join(r.claim(honest, 0), verify.LeavesFile)))(t); string(leaves) != string(want) {
				t.Error("a good one is not what an honest worker does, to the byte")
			}
		}
	}
	if _, _, err := cheatOf(Cheap, &verify.Terms{Job: &job.Job{Steps: 4, Stride: 2}}, rand.New(rand.NewPCG(1, 1))); fault.Of(err) != fault.OutOfRange {
		t.Error(err)
	}
	for seed := range uint64(200) {
		terms := &verify.Terms{Job: &job.Job{Steps: 23, Stride: 3}}
		_, steps, err := cheatOf(Cheap, terms, rand.New(rand.NewPCG(seed, 1)))
		if err != nil || steps[0] >= steps[1] || steps[1] != 20 {
			t.Fatalf("%d, %v: the jump back is not before the last segment", steps, err)
		}
	}
}

// said is a verdict that a verifier signs, and whether it holds against a replay with its key.
func (r *rig) said(c *verify.Case, key *ecdsa.PrivateKey, v *verify.Verdict) Said {
	r.Helper()
	public := must(verifytest.KeyOf(key))(r)
	signed, err := v.Sign(key)
	if err != nil {
		r.Fatal(err)
	}
	back := must(verify.ReadVerdict("v", signed, public))(r)
	return Said{public.ID(), back, c.CheckImprint(context.Background(), back, public, r.options(public.ID()))}
}

// inventing is a verdict with another finding than it was, and imprints that follow from nothing.
func inventing(v *verify.Verdict, verifier merkle.Hash, f verify.Finding) *verify.Verdict {
	invented := &verify.Verdict{Finding: f, Evidence: v.Evidence, Build: v.Build, Verifier: verifier}
	for _, segment := range slices.Concat(slices.Sorted(slices.Values(slices.Concat(f.Challenged, f.Directed))), f.Walked) {
		if f.First != nil && segment == f.First.Segment {
			break
		}
		invented.Imprints = append(invented.Imprints, verify.Imprint{Segment: segment, Hash: sha256.Sum256([]byte{byte(segment), verifier[0]})})
	}
	return invented
}

func TestALazyAContraryAndACopyingVerifierAreFoundAndNoHonestOne(t *testing.T) {
	r := newRig(t, func(j *job.Job) { j.Steps = 24 })
	keys := map[Manner]*ecdsa.PrivateKey{}
	ids := map[merkle.Hash]Manner{}
	for i, m := range []Manner{Honest, Lazy, Contrary, Copying} {
		keys[m] = must(verifytest.NewKey(10 + byte(i)))(t)
		ids[must(verifytest.KeyOf(keys[m]))(t).ID()] = m
	}
	idOf := func(m Manner) merkle.Hash { return must(verifytest.KeyOf(keys[m]))(t).ID() }
	passing := func(f verify.Finding) verify.Finding {
		f.Outcome, f.Reason, f.First, f.Replayed = verify.Pass, verify.Honest, nil, 12
		return f
	}
	var tasks []Task
	for i, kind := range []Kind{Good, Bad, Cheap, Bad, Good, Cheap, Bad, Good} {
		dir, a := r.make(kind, uint64(i))
		c := r.open(r.claim(dir, int64(i)))
		task := Task{Answer: a, Expected: must(a.Expect(r.pool.Terms, c.Challenge, r.order(c)))(t)}
		true_ := must(c.Judge(t.Context(), r.options(idOf(Honest))))(t)
		contrary := passing(true_.Finding)
		if true_.Finding.Outcome == verify.Pass {
			contrary.Outcome, contrary.Reason = verify.Fail, verify.WrongUpdate
			contrary.First = &verify.Difference{Segment: contrary.Challenged[0], Step: 3 * contrary.Challenged[0]}
		}
		// The copy holds the other's imprints, under its own name: without them it would not be read.
		copied := *true_
		copied.Verifier = idOf(Copying)
		task.Said = []Said{
			r.said(c, keys[Honest], true_),
			r.said(c, keys[Lazy], inventing(true_, idOf(Lazy), passing(true_.Finding))),
			r.said(c, keys[Contrary], inventing(true_, idOf(Contrary), contrary)),
			r.said(c, keys[Copying], &copied),
		}
		tasks = append(tasks, task)
	}
	all := Review(tasks)
	for _, s := range all {
		t.Logf("%s: %+v", ids[s.Verifier], s)
		if s.Manner != ids[s.Verifier] {
			t.Errorf("the %s one is called %s: %+v", ids[s.Verifier], s.Manner, s)
		}
		if s.Tasks != len(tasks) || s.Right+s.Missed+s.Accused != s.Tasks {
			t.Errorf("%+v", s)
		}
	}
	if len(all) != 4 || len(Named(all)) != 3 {
		t.Errorf("%d of %d are named", len(Named(all)), len(all))
	}
}

func TestOneErrorAmongMuchThatIsRightIsNamedAsThat(t *testing.T) {
	pass, fail := Expected{Outcome: verify.Pass}, Expected{verify.Fail, 4}
	said := func(outcome verify.Outcome, idle error) Said {
		v := &verify.Verdict{Finding: verify.Finding{Outcome: outcome}}
		if outcome == verify.Fail {
			v.Finding.First = &verify.Difference{Step: 4}
		}
		return Said{merkle.Hash{1}, v, idle}
	}
	invented := errors.New("invented")
	for name, c := range map[string]struct {
		tasks []Task
		want  Manner
	}{
		"right":                  {[]Task{{Expected: pass, Said: []Said{said(verify.Pass, nil)}}, {Expected: fail, Said: []Said{said(verify.Fail, nil)}}}, Honest},
		"misses one lie of two":  {[]Task{{Expected: fail, Said: []Said{said(verify.Fail, nil)}}, {Expected: fail, Said: []Said{said(verify.Pass, nil)}}}, Wrong},
		"accuses once":           {[]Task{{Expected: pass, Said: []Said{said(verify.Fail, nil)}}, {Expected: fail, Said: []Said{said(verify.Fail, nil)}}}, Wrong},
		"undecided about a lie":  {[]Task{{Expected: fail, Said: []Said{said(verify.Inconclusive, nil)}}}, Wrong},
		"passes without running": {[]Task{{Expected: pass, Said: []Said{said(verify.Pass, invented)}}}, Lazy},
		"right without running":  {[]Task{{Expected: fail, Said: []Said{said(verify.Fail, invented)}}}, Copying},
		"another step":           {[]Task{{Expected: Expected{verify.Fail, 5}, Said: []Said{said(verify.Fail, nil)}}}, Wrong},
	} {
		if got := Review(c.tasks)[0]; got.Manner != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

func TestAnAnswerComesBackAndNoOtherIsRead(t *testing.T) {
	r := newRig(t, nil)
	_, a := r.make(Cheap, 3)
	file := must(a.Encode())(t)
	back, err := Read("a.json", file)
	if err != nil || fmt.Sprint(*back) != fmt.Sprint(*a) {
		t.Errorf("%+v, %v, want %+v", back, err, a)
	}
	if again := must(a.Encode())(t); Seal(again) == Seal(file) {
		t.Error("the seal of an answer can be guessed")
	}
	for name, c := range map[string]struct {
		class  fault.Class
		change func(a *Answer)
	}{
		"version":   {fault.UnknownVersion, func(a *Answer) { a.Version = "verifyd-canary/2" }},
		"kind":      {fault.OutOfRange, func(a *Answer) { a.Kind = "odd" }},
		"too few":   {fault.OutOfRange, func(a *Answer) { a.False = a.False[:1] }},
		"unordered": {fault.OutOfRange, func(a *Answer) { slices.Reverse(a.False) }},
		"twice":     {fault.OutOfRange, func(a *Answer) { a.False[1] = a.False[0] }},
	} {
		other := *a
		other.False = slices.Clone(a.False)
		c.change(&other)
		if _, err := Read("a.json", must(document.Encode(other))(t)); fault.Of(err) != c.class || !strings.HasPrefix(err.Error(), "a.json: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "{}", string(file) + "\n", string(file[:40]), strings.Repeat("x", MaxSize+1)} {
		if _, err := Read("a.json", []byte(bad)); err == nil {
			t.Errorf("%.60q was read", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	file, err := (&Answer{Version: Version, Kind: Bad, False: []uint64{7}}).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"version":"verifyd-canary/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := Read("a.json", data); err == nil && string(must(document.Encode(a))(t)) != string(data) {
			t.Errorf("%q has two spellings", data)
		}
	})
}
