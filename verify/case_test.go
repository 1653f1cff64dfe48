package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// files is a bundle in memory whose files an attacker swaps at one moment. Reads are cut into small ones, each a
// moment of its own.
type files struct {
	now, then map[string][]byte
	swap      string // the file that is swapped, "" for all of them

	mu      sync.Mutex // for what follows: openings are read ahead
	left    int        // moments until then; negative once it is over
	moments int
}

func load(t testing.TB, bundle string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(bundle), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path] = read(t, bundle, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (f *files) at(name string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.moments++
	f.left--
	data, ok := f.now[name]
	if f.left < 0 && (f.swap == "" || f.swap == name) {
		data, ok = f.then[name]
	}
	return data, ok
}

func (f *files) Open(_ context.Context, name string) (verify.File, error) {
	data, ok := f.at(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &swapped{f, name, int64(len(data))}, nil
}

type swapped struct {
	files *files
	name  string
	size  int64
}

func (s *swapped) Size() int64  { return s.size }
func (s *swapped) Close() error { return nil }

func (s *swapped) ReadAt(p []byte, offset int64) (n int, err error) {
	const cut = 1 << 10
	for n < len(p) && err == nil {
		data, _ := s.files.at(s.name)
		var part int
		part, err = bytes.NewReader(data).ReadAt(p[n:min(len(p), n+cut)], offset+int64(n))
		n += part
	}
	if err == io.EOF && n == len(p) {
		err = nil
	}
	return n, err
}

func judgeSource(t testing.TB, r *rig, s verify.Source, o verify.Options) (*verify.Verdict, error) {
	t.Helper()
	c, err := verify.OpenCase(t.Context(), s, keyOf(t, r.operator))
	if err != nil {
		if c != nil {
			t.Error("an error with a case that was read in part")
		}
		return nil, err
	}
	return c.Judge(t.Context(), o)
}

func TestAFileSwappedAtAnyMomentIsAnErrorAndNeverAnotherVerdict(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 4, 2, job.Exactly(2) })
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	honest := load(t, r.bundle(dir))
	forged := load(t, r.bundle(r.forge(cheat{state: after(3, func(m *program.Machine) { flip(m.Tensors()[0], 0) })})))
	later := *r
	later.arrived = r.arrived.Add(time.Minute) // another receipt for the same claim
	again := load(t, later.bundle(dir))
	elsewhere := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled, j.Policy = 4, 2, job.Exactly(2), [32]byte{9}
	})
	otherDir, _ := elsewhere.train(newCPU(t, kernels.Auto, 1))
	other := load(t, elsewhere.bundle(otherDir)) // on another job of the same operator

	o := r.options(kernels.Auto, 1)
	errs, same := 0, 0
	for _, c := range []struct {
		name      string
		now, then map[string][]byte
	}{{"honest, then forged", honest, forged}, {"forged, then honest", forged, honest}, {"another receipt", honest, again}, {"another job", honest, other}} {
		whole := func(all map[string][]byte) (evidence [32]byte) {
			v, err := judgeSource(t, r, &files{now: all, left: 1 << 30}, o)
			if err == nil {
				evidence = v.Evidence
			}
			return evidence
		}
		before := whole(c.now)
		count := &files{now: c.now, then: c.then, left: 1 << 30}
		if _, err := judgeSource(t, r, count, o); err != nil {
			t.Fatal(err)
		}
		names := append([]string{""}, slices.Sorted(maps.Keys(c.now))...)
		for _, name := range names {
			with := maps.Clone(c.now)
			for file := range with {
				if name == "" || name == file {
					with[file] = c.then[file]
				}
			}
			behind := whole(with) // another bundle, if it is one, that was always so
			for left := range count.moments {
				v, err := judgeSource(t, r, &files{now: c.now, then: c.then, swap: name, left: left}, o)
				switch {
				case err != nil:
					errs++
				case v.Evidence == before:
					same++
				case v.Evidence == behind:
				default:
					t.Fatalf("%s, %q swapped at moment %d: %+v", c.name, name, left, v.Finding)
				}
			}
		}
	}
	if errs == 0 || same == 0 {
		t.Errorf("%d errors, %d verdicts: the swaps do not meet the reads", errs, same)
	}
	t.Logf("%d errors, %d verdicts as without a swap", errs, same)
}

// openCase opens the case of a bundle for the rest of the test.
func (r *rig) openCase(bundle string) *verify.Case {
	r.t.Helper()
	source, err := verify.OpenBundle(bundle)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { source.Close() })
	c, err := verify.OpenCase(r.t.Context(), source, keyOf(r.t, r.operator))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// need is what a case needs to be replayed first.
func need(t testing.TB, c *verify.Case) []uint64 {
	t.Helper()
	segments, _, err := c.Left(nil)
	if err != nil {
		t.Fatal(err)
	}
	return segments
}

// replayAll replays segments on devices side by side, and returns the results in whatever order they come.
func replayAll(t testing.TB, c *verify.Case, segments []uint64, devices ...engine.Device) []verify.Result {
	t.Helper()
	var mu sync.Mutex
	var all []verify.Result
	var done sync.WaitGroup
	for i, segment := range segments {
		done.Go(func() {
			result, err := c.Replay(t.Context(), segment, devices[i%len(devices)], merkle.Hash{})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, result)
		})
	}
	done.Wait()
	rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

func TestSegmentsReplayedSideBySideGiveTheFindingOfAscendingOrder(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	first, second := newDevice(t, "first", kernels.Auto, 1), newDevice(t, "second", kernels.Generic, 1)
	for name, bundle := range map[string]string{
		"honest": r.bundle(dir),
		"forged twice": r.bundle(r.forge(cheat{state: func(s uint64, m *program.Machine) {
			if s == 7 || s == 16 {
				flip(m.Tensors()[0], 0)
			}
		}})),
	} {
		want := r.judge(bundle, r.options(kernels.Auto, 1))
		c := r.openCase(bundle)
		results := replayAll(t, c, c.Challenge.Segments, first, second)
		if segments, confirm, err := c.Left(results); err != nil || len(segments) > 0 {
			t.Fatal(segments, err)
		} else if confirm != nil {
			other := first
			if confirm.Path == first.Path() {
				other = second
			}
			again, err := c.Replay(t.Context(), confirm.Segment, other, merkle.Hash{})
			if err != nil {
				t.Fatal(err)
			}
			results = append([]verify.Result{again}, results...)
		}
		for range 10 {
			rand.Shuffle(len(results), func(i, k int) { results[i], results[k] = results[k], results[i] })
			v, err := c.Conclude(results)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if v.Evidence != want.Evidence || !reflect.DeepEqual(v.Finding, want.Finding) {
				t.Errorf("%s: %+v, want %+v", name, v.Finding, want.Finding)
			}
			if err := c.Check(v); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAResultIsStoredSignedAndTakenUpAgain(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), all)
	bundle := r.bundle(r.forge(cheat{state: after(13, func(m *program.Machine) { flip(m.Tensors()[2], 4) })}))
	o := r.options(kernels.Auto, 1)
	want := r.judge(bundle, o)
	c := r.openCase(bundle)
	machine := newKey(t, 7)
	for stop := range len(c.Challenge.Segments) {
		var stored []verify.Result
		for _, segment := range c.Challenge.Segments[:stop] {
			result, err := c.Replay(t.Context(), segment, o.Devices[0], merkle.Hash{})
			if err != nil {
				t.Fatal(err)
			}
			file, err := result.Sign(machine)
			if err != nil {
				t.Fatal(err)
			}
			back, err := verify.ReadResult("result.json", file, keyOf(t, machine))
			if err != nil || !reflect.DeepEqual(back, result) {
				t.Fatalf("%+v, %v, want %+v", back, err, result)
			}
			if _, err := verify.ReadResult("result.json", file, keyOf(t, r.worker)); err == nil {
				t.Error("a result by nobody")
			}
			stored = append(stored, back)
		}
		resumed := o
		steps := uint64(0)
		resumed.Results, resumed.Progress = stored, func(uint64, uint64) { steps++ }
		v, err := r.openCase(bundle).Judge(t.Context(), resumed)
		if err != nil || v.Evidence != want.Evidence {
			t.Fatalf("taken up after %d results: %+v, %v", stop, v, err)
		}
		if done := uint64(3 * stop); done < want.Finding.Replayed && steps != want.Finding.Replayed-done {
			t.Errorf("taken up after %d results: %d steps replayed, %d in all", stop, steps, want.Finding.Replayed)
		}
	}
}

func TestAConclusionRefusesWhatIsNotOfItsCase(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	honest := r.openCase(r.bundle(dir))
	forged := r.openCase(r.bundle(r.forge(cheat{state: after(13, func(m *program.Machine) { flip(m.Tensors()[2], 4) })})))
	fast, slow := newDevice(t, "fast", kernels.Auto, 1), newDevice(t, "slow", kernels.Generic, 1)
	good := replayAll(t, honest, honest.Challenge.Segments, fast)
	bad := replayAll(t, forged, forged.Challenge.Segments, fast)
	failing := slices.IndexFunc(bad, func(r verify.Result) bool { return r.Mismatch != nil })
	other := func(change func(r *verify.Result)) []verify.Result {
		all := slices.Clone(good)
		change(&all[2])
		return all
	}
	for name, c := range map[string]struct {
		of      *verify.Case
		results []verify.Result
		words   string
	}{
		"none":                             {honest, nil, "segment 0: not replayed"},
		"one too few":                      {honest, good[1:], "segment"},
		"one twice":                        {honest, append(slices.Clone(good), good[0]), "segment"},
		"one of another case":              {honest, append(slices.Clone(good[1:]), bad[0]), "result 7: case"},
		"another version":                  {honest, other(func(r *verify.Result) { r.Version = "verifyd-result/2" }), "result 2: version"},
		"a segment that is not":            {honest, other(func(r *verify.Result) { r.Segment = 99 }), "result 2: segment: 99 was not opened"},
		"a segment past all numbers":       {honest, other(func(r *verify.Result) { r.Segment = 1<<64 - 1 }), "result 2: segment"},
		"fewer steps":                      {honest, other(func(r *verify.Result) { r.Steps-- }), "result 2: steps"},
		"no device":                        {honest, other(func(r *verify.Result) { r.Device = "" }), "result 2: device"},
		"no path":                          {honest, other(func(r *verify.Result) { r.Path = "" }), "result 2: device, path"},
		"a mismatch behind the last step":  {honest, other(func(r *verify.Result) { r.Mismatch = &verify.Mismatch{Reason: verify.WrongLoss} }), "result 2: steps"},
		"a mismatch of another segment":    {forged, swapMismatch(bad, failing, func(m *verify.Mismatch) { m.Segment = 0 }), fmt.Sprintf("result %d: mismatch", failing)},
		"a mismatch of another step":       {forged, swapMismatch(bad, failing, func(m *verify.Mismatch) { m.Step++ }), fmt.Sprintf("result %d: mismatch", failing)},
		"a mismatch for no reason":         {forged, swapMismatch(bad, failing, func(m *verify.Mismatch) { m.Reason = verify.Honest }), fmt.Sprintf("result %d: mismatch: reason", failing)},
		"a mismatch for a case's reason":   {forged, swapMismatch(bad, failing, func(m *verify.Mismatch) { m.Reason = verify.WrongFinal }), fmt.Sprintf("result %d: mismatch: reason", failing)},
		"a mismatch on one code path only": {forged, bad, "segment 4: a mismatch that cpu"},
	} {
		if v, err := c.of.Conclude(c.results); err == nil || v != nil || !strings.HasPrefix(err.Error(), c.words) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	if _, err := forged.Conclude(bad); !errors.Is(err, verify.ErrUnconfirmed) {
		t.Error(err)
	}
	twin := bad[failing]
	twin.Device = "another machine" // of the same path
	if _, err := forged.Conclude(append(slices.Clone(bad), twin)); err == nil {
		t.Error("a FAIL that only one code path has seen")
	}
	confirmed, err := forged.Replay(t.Context(), bad[failing].Segment, slow, merkle.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := forged.Conclude(append(slices.Clone(bad), confirmed)); err != nil || v.Finding.Outcome != verify.Fail || v.Build.Confirmed != "slow" {
		t.Errorf("%+v, %v", v, err)
	}
	confirmed.Mismatch = &verify.Mismatch{Reason: verify.WrongUpdate, Difference: bad[failing].Mismatch.Difference} // computed otherwise
	if v, err := forged.Conclude(append(slices.Clone(bad), confirmed)); err != nil || v.Finding.Outcome != verify.Inconclusive {
		t.Errorf("%+v, %v", v, err)
	}
	v, err := honest.Conclude(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := forged.Check(v); err == nil {
		t.Error("a verdict on another case")
	}
	if _, err := honest.Replay(t.Context(), 99, fast, merkle.Hash{}); err == nil {
		t.Error("replayed what was not challenged")
	}
}

// swapMismatch is results with one mismatch changed.
func swapMismatch(results []verify.Result, i int, change func(*verify.Mismatch)) []verify.Result {
	all := slices.Clone(results)
	m := *all[i].Mismatch
	change(&m)
	all[i].Mismatch = &m
	return all
}

func TestABrokenChainAndSilenceNeedNoReplay(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	if err := os.Remove(filepath.Join(bundle, verify.OpenedFile)); err != nil {
		t.Fatal(err)
	}
	device := newDevice(t, "cpu", kernels.Auto, 1)
	silent := r.openCase(bundle)
	for _, now := range []time.Time{{}, silent.Arrived(), silent.Arrived().Add(time.Hour + 6*time.Second)} {
		if v, err := silent.Silence(now); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v, %v", now, v, err)
		}
	}
	if v, err := silent.Silence(silent.Arrived().Add(time.Hour + 7*time.Second)); err != nil || v.Finding.Reason != verify.Unopened {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := silent.Conclude(nil); err == nil {
		t.Errorf("%+v", v)
	}
	if _, err := silent.Replay(t.Context(), silent.Challenge.Segments[0], device, merkle.Hash{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}

	good := r.openCase(r.bundle(dir))
	result, err := good.Replay(t.Context(), 7, device, merkle.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := good.Silence(good.Arrived().Add(24 * time.Hour)); err == nil {
		t.Error("an opened claim was silent")
	}
	summary.Final[0] ^= 1
	broken := r.openCase(r.rebundle(dir, summary))
	if v, err := broken.Conclude(nil); err != nil || v.Finding.Reason != verify.WrongFinal {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := broken.Conclude([]verify.Result{result}); err == nil {
		t.Error("results on a case that has nothing to replay")
	}
}

func TestACaseSaysWhatItCosts(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	c := r.openCase(bundle)
	replayed, packed := uint64(0), uint64(0)
	opening := must(r.pool().Opening(bundle))(t) // honest work is inside the gate: all that is opened is replayed
	for _, s := range opening.Segments {
		_, count := r.terms.Job.Segment(s.Segment)
		replayed += count
	}
	for _, path := range append(openings(t, bundle), filepath.Join(bundle, verify.SlicesFile)) {
		packed += uint64(len(read(t, path)))
	}
	want := verify.Cost{
		Memory: r.terms.MemoryBytes(), State: uint64(r.terms.State().Bytes()), Steps: replayed, Most: 8,
		FLOPs: replayed * r.terms.Plan.FLOPs(), Opened: c.Cost.Opened, Packed: packed, Answers: uint64(arrived.Unix()) + 6 + 3600,
	}
	if c.Cost != want || c.Cost.Opened < uint64(len(c.Challenge.Segments))*want.State {
		t.Errorf("%+v, want %+v", c.Cost, want)
	}
}
