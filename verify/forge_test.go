package verify_test

import (
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// cheat alters an honest worker's work; its functions may be nil.
type cheat struct {
	init   func(m *program.Machine)
	batch  func(t uint64, ids []int64)
	skip   func(t uint64) bool                // steps whose update is left out
	state  func(t uint64, m *program.Machine) // after the update
	record func(t uint64, s *trace.Step, f *verifytest.Forger)
}

// all replays every segment.
func all(j *job.Job) { j.Sampled = job.Exactly(job.MaxSampled) }

func flip(x []float32, i int) { x[i] = math.Float32frombits(math.Float32bits(x[i]) ^ 1) }

func TestEachForgeryFailsWithItsReasonStepAndTensor(t *testing.T) {
	const at = 13 // in segment 4
	for name, c := range map[string]struct {
		cheat  cheat
		reason verify.Reason
		step   uint64
		tensor string
	}{
		"nothing": {cheat{}, verify.Honest, 0, ""},
		"one weight bit flipped": {cheat{state: after(at, func(m *program.Machine) { flip(m.Tensors()[2], 4) })},
			verify.WrongUpdate, at, "param/net.3.weight"},
		"one momentum bit flipped": {cheat{state: after(at, func(m *program.Machine) { flip(m.Tensors()[6], 0) })},
			verify.WrongUpdate, at, "opt/momentum_buffer/net.0.weight"},
		"a step skipped": {cheat{skip: func(t uint64) bool { return t == at }},
			verify.WrongUpdate, at, "param/net.0.weight"},
		"samples swapped": {cheat{batch: func(t uint64, ids []int64) {
			if t == at {
				ids[0], ids[1] = ids[1], ids[0]
			}
		}}, verify.WrongBatch, at, ""},
		"another sample": {cheat{batch: func(t uint64, ids []int64) {
			if t == at {
				ids[5] = (ids[5] + 1) % 40
			}
		}}, verify.WrongBatch, at, ""},
		"a gradient altered": {cheat{record: func(t uint64, s *trace.Step, f *verifytest.Forger) {
			if t == at {
				s.Gradients[3][0] ^= 1
				s.Leaf.Gradient = f.GradientRoot(t, s.Gradients)
			}
		}}, verify.WrongGradient, at, "net.3.bias"},
		"a loss embellished": {cheat{record: func(t uint64, s *trace.Step, _ *verifytest.Forger) {
			if t == at {
				s.Leaf.Loss--
			}
		}}, verify.WrongLoss, at, ""},
		"a clip coefficient altered": {cheat{record: func(t uint64, s *trace.Step, _ *verifytest.Forger) {
			if t == at {
				s.Leaf.Clip ^= 1
			}
		}}, verify.WrongClip, at, ""},
		"a digest table that is not the leaf's": {cheat{record: func(t uint64, s *trace.Step, _ *verifytest.Forger) {
			if t == at {
				s.Next[0][5] ^= 4
			}
		}}, verify.WrongDigests, at, ""},
		"a broken chain": {cheat{record: func(t uint64, s *trace.Step, _ *verifytest.Forger) {
			if t == at {
				s.Leaf.State[0] ^= 1
			}
		}}, verify.BrokenChain, at, ""},
		"another initial state": {cheat{init: func(m *program.Machine) { flip(m.Tensors()[0], 0) }},
			verify.WrongInit, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, mlp(), blobs(t, 40, 7), all)
			v := r.judge(r.bundle(r.forge(c.cheat)), r.options(kernels.Auto, 2))
			f := v.Finding
			if c.reason == verify.Honest {
				if f.Outcome != verify.Pass || v.Build.Confirmed != "" {
					t.Errorf("%+v", v)
				}
				return
			}
			if f.Outcome != verify.Fail || f.Reason != c.reason || f.First == nil {
				t.Fatalf("%s for %s, want FAIL for %s", f.Outcome, f.Reason, c.reason)
			}
			if want := (verify.Difference{Segment: c.step / 3, Step: c.step, Tensor: c.tensor}); *f.First != want {
				t.Errorf("first difference %+v, want %+v", *f.First, want)
			}
			replayed := c.reason != verify.BrokenChain && c.reason != verify.WrongInit
			if (v.Build.Confirmed == "second") != replayed {
				t.Errorf("confirmed by %q", v.Build.Confirmed)
			}
		})
	}
}

// after alters the machine after the update of one step.
func after(at uint64, alter func(*program.Machine)) func(uint64, *program.Machine) {
	return func(t uint64, m *program.Machine) {
		if t == at {
			alter(m)
		}
	}
}

func TestAFinalStateFromElsewhereFails(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	summary.Final[7] ^= 1
	bundle := r.rebundle(dir, summary)
	f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding
	if f.Outcome != verify.Fail || f.Reason != verify.WrongFinal || f.First.Step != 22 {
		t.Errorf("%+v", f)
	}
}

func TestAForgeryInASegmentThatIsNotReplayedPasses(t *testing.T) {
	r := newRigOf(t, verifytest.Setting{
		Operator: newKey(t, 1), Worker: newKey(t, 2), Program: mlp(), Data: blobs(t, 40, 7), Slot: 1, Whole: true,
		Job: func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 48, 3, job.Exactly(1) },
	})
	caught, last := 0, r.terms.Job.Segments()-1
	for segment := range last {
		bundle := r.bundle(r.forge(cheat{state: after(3*segment, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}))
		f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding
		replayed := slices.Contains(slices.Concat(f.Challenged, f.Directed, f.Walked), segment)
		if (f.Outcome == verify.Fail) != replayed {
			t.Errorf("segment %d forged, %d challenged, %d directed, %d walked: %s", segment, f.Challenged, f.Directed, f.Walked, f.Outcome)
		}
		if replayed {
			caught++
		}
	}
	if caught == 0 || caught > int(last)/2 {
		t.Errorf("%d of %d caught", caught, last)
	}
}

func TestTheLastSegmentIsAlwaysReplayed(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Sampled = job.Exactly(1) })
	bundle := r.bundle(r.forge(cheat{state: after(22, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}))
	f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding
	if f.Outcome != verify.Fail || f.First.Segment != 7 {
		t.Errorf("%+v", f)
	}
}
