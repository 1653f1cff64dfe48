package verify_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// long is a job of 24 segments, of which 2 are drawn.
func long(j *job.Job) { j.Steps, j.Stride, j.Sampled = 72, 3, job.Exactly(2) }

// jumped answers for a claim that jumps into a cheap state.
func (r *rig) jumped(c verifytest.Cheat) (bundle string, walked []uint64) {
	r.t.Helper()
	dir := filepath.Join(r.t.TempDir(), "jumped")
	must(r.pool().Forge(r.t.Context(), newCPU(r.t, kernels.Auto, 1), c, dir))(r.t)
	tr := must(trace.Read(dir, r.terms.Trace()))(r.t)
	defer tr.Close()
	bundle = filepath.Join(r.t.TempDir(), "bundle")
	p := r.pool()
	if err := p.Bundle(context.Background(), dir, bundle); err != nil {
		r.t.Fatal(err)
	}
	r.docs = p.Documents
	return bundle, p.Walk.Order
}

func TestOneJumpFailsWhereItIsWhereverItIs(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), long)
	for _, name := range []string{"all zeros", "all units equal", "dead units"} {
		for _, at := range []uint64{1, 20, 36, 50} {
			bundle, _ := r.jumped(verifytest.JumpTo(r.terms.Plan, verifytest.At(at), verifytest.Cheap(name)))
			f := r.judge(bundle, r.options(kernels.Auto, 2)).Finding
			if f.Outcome != verify.Fail || f.Reason != verify.WrongUpdate || f.First.Step != at || f.Note != "" {
				t.Errorf("%s at step %d: %s for %s at %+v; outside %+v, walked %d", name, at, f.Outcome, f.Reason, f.First, f.Outside, f.Walked)
			}
		}
	}
}

func TestAJumpThereAndBackFailsWhereASegmentBetweenIsReplayed(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), long)
	for _, at := range []uint64{4, 10, 22} {
		const last = 67 // the last segment begins with an old good state
		bundle, walked := r.jumped(verifytest.ThereAndBack(r.terms.Plan, verifytest.Either(at, last), verifytest.Cheap("all zeros")))
		f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding
		between := slices.ContainsFunc(walked, func(s uint64) bool { return s > at/3 && s <= last/3 })
		if between && f.Outcome != verify.Fail {
			t.Errorf("from step %d to %d: %s, %d walked", at, last, f.Outcome, walked)
		}
	}
}

// shrinking trains so that its own honest work becomes cheap: all weights decay to zero within some steps.
func shrinking() *program.Program {
	p := mlp()
	p.Optimizer = program.Optimizer{Kind: program.SGD, WeightDecay: 9.9}
	p.Schedule, p.ClipNorm = program.Schedule{Kind: program.Constant, Rate: 0.1}, 0
	return p
}

func TestAnHonestClaimOutsideTheGatePassesWithANote(t *testing.T) {
	r := newRig(t, shrinking(), blobs(t, 40, 7), long)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	v := r.judge(bundle, r.options(kernels.Auto, 2))
	f := v.Finding
	if f.Outcome != verify.Pass || f.Note != verify.NoteOutside || len(f.Outside) == 0 || len(f.Walked) == 0 || f.First != nil {
		t.Errorf("%+v", f)
	}
	c := r.openCase(bundle)
	if n := len(f.Challenged) + len(f.Directed) + len(f.Walked); uint64(n) > c.Cost.Most {
		t.Errorf("%d segments replayed, at most %d are promised", n, c.Cost.Most)
	}
	trail := c.Trail(&f)
	if !trail.Done || len(trail.Paths) != 2 || len(trail.Outside) != len(f.Outside) {
		t.Errorf("%+v", trail)
	}
	if other := r.judge(bundle, r.options(kernels.Generic, 1)); other.Evidence != v.Evidence {
		t.Errorf("another device finds %+v", other.Finding)
	}
}

func TestAPathThatStopsShortFailsOnceTwoPathsAgreeWhereItLed(t *testing.T) {
	r := newRig(t, shrinking(), blobs(t, 40, 7), long)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	opening := must(r.pool().Opening(bundle))(t)
	walked := r.judge(bundle, r.options(kernels.Auto, 1)).Finding.Walked
	one := verify.Options{Devices: []engine.Device{newDevice(t, "first", kernels.Generic, 1), newDevice(t, "second", kernels.Generic, 2)}}
	miscounting := verify.Options{Devices: []engine.Device{newDevice(t, "first", kernels.Generic, 1), miscounts{newDevice(t, "second", kernels.Auto, 1)}}}
	for at, missing := range walked {
		err := r.pool().Resign(bundle, func(o *verify.Opening) {
			o.Segments = slices.DeleteFunc(slices.Clone(opening.Segments), func(s verify.OpenedSegment) bool { return s.Segment == missing })
		})
		if err != nil {
			t.Fatal(err)
		}
		v := r.judge(bundle, r.options(kernels.Auto, 1))
		f := v.Finding
		if f.Outcome != verify.Fail || f.Reason != verify.Malformed || f.First == nil || f.First.Segment != missing || v.Build.Confirmed == "" {
			t.Errorf("without segment %d: %s for %s at %+v", missing, f.Outcome, f.Reason, f.First)
		}
		if !slices.Equal(f.Walked, walked[:at+1]) {
			t.Errorf("without segment %d: %d walked, of %d", missing, f.Walked, walked)
		}
		if v, err := verify.Judge(t.Context(), bundle, keyOf(t, r.operator), one); err == nil {
			t.Errorf("without segment %d: one code path says %s for %s", missing, v.Finding.Outcome, v.Finding.Reason)
		}
		if f := r.judge(bundle, miscounting).Finding; f.Outcome != verify.Inconclusive || f.Reason != verify.Disagreement {
			t.Errorf("without segment %d, where two devices count differently: %s for %s", missing, f.Outcome, f.Reason)
		}
	}
}

// miscounts is a device whose steps are right and whose reads are not.
type miscounts struct{ engine.Device }

func (d miscounts) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	e, err := d.Device.Start(ctx, s)
	return miscounting{e}, err
}

type miscounting struct{ engine.Engine }

func (e miscounting) Watch(ctx context.Context, t uint64, blocks []program.Block, reads []program.Read) (engine.Step, []uint32, []uint32, error) {
	s, watched, read, err := e.Engine.Watch(ctx, t, blocks, reads)
	for i := range read {
		read[i] = 0
	}
	return s, watched, read, err
}

func TestASegmentThatMovedMostIsAnsweredFor(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), long)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	directed := r.judge(bundle, r.options(kernels.Auto, 1)).Finding.Directed
	err := r.pool().Resign(bundle, func(o *verify.Opening) {
		o.Segments = slices.DeleteFunc(o.Segments, func(s verify.OpenedSegment) bool { return s.Segment == directed[1] })
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != verify.Malformed || f.Replayed > 0 {
		t.Errorf("%+v", f)
	}
}

func TestSlicesThatAreNotThoseOfTheStatesFail(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), long)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	path := filepath.Join(bundle, verify.SlicesFile)
	good := read(t, path)
	for name, alter := range map[string]func([]byte) []byte{
		"a number altered":   func(d []byte) []byte { d[8] ^= 1; return d },
		"a proof altered":    func(d []byte) []byte { d[len(d)-1] ^= 1; return d },
		"another magic":      func(d []byte) []byte { d[7] = '2'; return d },
		"nothing":            func([]byte) []byte { return nil },
		"a byte too few":     func(d []byte) []byte { return d[:len(d)-1] },
		"a byte too many":    func(d []byte) []byte { return append(d, 0) },
		"boundaries swapped": func(d []byte) []byte { half := len(d) / 2; return append(append(d[:8:8], d[half:]...), d[8:half]...) },
	} {
		if err := r.pool().Reslice(bundle, alter(slices.Clone(good))); err != nil {
			t.Fatal(err)
		}
		v := r.judge(bundle, r.options(kernels.Auto, 1))
		if f := v.Finding; f.Outcome != verify.Fail || f.Reason != verify.Malformed || f.Replayed > 0 {
			t.Errorf("%s: %+v", name, f)
		}
		if _, err := v.Sign(newKey(t, 5)); err != nil {
			t.Errorf("%s: %v", name, err) // it rests on no replay
		}
	}
	if err := r.pool().Reslice(bundle, good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  []byte
		class fault.Class
	}{
		"damaged": {append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1), fault.WrongDigest},
		"cut off": {good[:100], fault.BadLength}, "missing": {nil, fault.Missing},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if c.file != nil {
			write(t, path, c.file)
		}
		if _, err := verify.Judge(t.Context(), bundle, keyOf(t, r.operator), r.options(kernels.Auto, 1)); verify.ClassOf(err) != c.class {
			t.Errorf("%s: %v", name, err)
		}
		write(t, path, good)
	}
}

func TestWhatNoWalkNeedsIsPassedOverAndMoreThanAWalkCanNeedFails(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), long)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	opening := must(r.pool().Opening(bundle))(t)
	has := func(s uint64) bool {
		return slices.ContainsFunc(opening.Segments, func(o verify.OpenedSegment) bool { return o.Segment == s })
	}
	var more []verify.OpenedSegment // which are rubbish, and not there
	for s := range r.terms.Job.Segments() {
		if !has(s) {
			more = append(more, verify.OpenedSegment{Segment: s, Size: 5, Digest: [32]byte{byte(s)}})
		}
	}
	resign := func(alter func(o *verify.Opening)) verify.Finding {
		t.Helper()
		err := r.pool().Resign(bundle, func(o *verify.Opening) {
			o.Segments = slices.Clone(opening.Segments)
			alter(o)
		})
		if err != nil {
			t.Fatal(err)
		}
		return r.judge(bundle, r.options(kernels.Auto, 1)).Finding
	}
	sorted := func(a, b verify.OpenedSegment) int { return int(a.Segment) - int(b.Segment) }
	if f := resign(func(o *verify.Opening) { o.Segments = append(o.Segments, more[0]); slices.SortFunc(o.Segments, sorted) }); f.Outcome != verify.Pass {
		t.Errorf("one more: %+v", f)
	}
	for name, alter := range map[string]func(o *verify.Opening){
		"not in order":        func(o *verify.Opening) { o.Segments = append(o.Segments, more[0]) },
		"one twice":           func(o *verify.Opening) { o.Segments = append(o.Segments[:1:1], o.Segments...) },
		"one past the last":   func(o *verify.Opening) { o.Segments = append(o.Segments, verify.OpenedSegment{Segment: 24}) },
		"a drawn one missing": func(o *verify.Opening) { o.Segments = o.Segments[:len(o.Segments)-1] },
	} {
		if f := resign(alter); f.Outcome != verify.Fail || f.Reason != verify.Malformed {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
