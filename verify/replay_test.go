package verify_test

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// faulty is a device that gets one result wrong now and then.
type faulty struct {
	*kernels.CPU
	calls int
	wrong int
}

func (f *faulty) Run(op kernels.Operator, bufs []kernels.Buf) error {
	err := f.CPU.Run(op, bufs)
	if _, ok := op.(kernels.SGD); ok {
		if f.calls++; f.calls == f.wrong {
			bufs[0].F[0] *= 1.0000001
		}
	}
	return err
}

func TestAMismatchThatASecondDeviceDoesNotSeeIsInconclusive(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	o := r.options(kernels.Auto, 1)
	wrong := &faulty{CPU: newCPU(t, kernels.Auto, 1), wrong: 8}
	o.Devices[0] = engine.NewCPU("first", wrong, 1)
	v := r.judge(bundle, o)
	if v.Finding.Outcome != verify.Inconclusive || v.Finding.Reason != verify.Disagreement || v.Build.Confirmed != "second" {
		t.Errorf("%+v", v)
	}
	slices.Reverse(o.Devices)
	wrong.calls = 0
	if v := r.judge(bundle, o); v.Finding.Outcome != verify.Pass {
		t.Errorf("the second device ran without need: %+v", v)
	}
}

func TestAForgeryThatTheSecondDeviceMissesIsInconclusive(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), all)
	bundle := r.bundle(r.forge(cheat{state: after(3, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}))
	o := r.options(kernels.Auto, 1)
	o.Devices[1] = engine.NewCPU("second", &faulty{CPU: newCPU(t, kernels.Generic, 1), wrong: 1}, 1)
	if v := r.judge(bundle, o); v.Finding.Outcome != verify.Inconclusive {
		t.Errorf("%+v", v)
	}
}

// plainSegment returns the decompressed file of the first challenged segment.
func (r *rig) plainSegment(bundle string) (plain []byte, segment uint64) {
	r.t.Helper()
	path := openings(r.t, bundle)[0]
	plain = must(verifytest.Unpack(path))(r.t)
	o, err := document.Peek[verify.Opening]("", read(r.t, bundle, verify.OpeningFile), "opening")
	if err != nil {
		r.t.Fatal(err)
	}
	return plain, o.Segments[0].Segment
}

func (r *rig) assignment() job.Assignment {
	r.t.Helper()
	a, _, err := r.terms.ReadAssignment(r.docs.Assignment)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// leaves returns the leaves of a segment of a bundle.
func (r *rig) leaves(bundle string, segment uint64) []trace.Leaf {
	r.t.Helper()
	first, count := r.terms.Job.Segment(segment)
	leaves, err := trace.ReadLeaves(bytes.NewReader(read(r.t, bundle, verify.LeavesFile)), first, count)
	if err != nil {
		r.t.Fatal(err)
	}
	return leaves
}

func TestReplayAllocatesNothingForAStep(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 4000, 7), func(j *job.Job) { j.Steps, j.Stride = 200, 200 })
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	plain, segment := r.plainSegment(bundle)
	leaves := r.leaves(bundle, segment)
	replayer, err := verify.NewReplayer(t.Context(), r.terms, r.assignment(), newDevice(t, "cpu", kernels.Auto, 2))
	if err != nil {
		t.Fatal(err)
	}
	fewest := uint64(1 << 32) // the runtime may start a thread meanwhile, which allocates, but not in every replay
	for range 5 {
		var before, after runtime.MemStats
		steps := 0
		replayer.Progress = func() {
			switch steps++; steps {
			case 20: // every operator has run, and every buffer has grown
				runtime.ReadMemStats(&before)
			case 200:
				runtime.ReadMemStats(&after)
			}
		}
		m, err := replayer.Replay(context.Background(), verify.Segment{Index: segment, Leaves: leaves, Opened: bytes.NewReader(plain), File: "segment"})
		if m != nil || err != nil || steps != 200 {
			t.Fatalf("%v, %v after %d steps", m, err, steps)
		}
		fewest = min(fewest, after.Mallocs-before.Mallocs)
	}
	if fewest > 2 { // reading the counters itself may allocate
		t.Errorf("%d allocations in 180 steps", fewest)
	}
}

func FuzzReplay(f *testing.F) {
	r := newRig(f, mlp(), blobs(f, 8, 7), func(j *job.Job) { j.Steps, j.Stride = 2, 2 })
	dir, _ := r.train(newCPU(f, kernels.Auto, 1))
	bundle := r.bundle(dir)
	plain, segment := r.plainSegment(bundle)
	leaves := r.leaves(bundle, segment)
	replayer, err := verify.NewReplayer(f.Context(), r.terms, r.assignment(), newDevice(f, "cpu", kernels.Auto, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(plain[:len(plain)/2])
	f.Add(append([]byte(nil), plain[8:]...))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := replayer.Replay(context.Background(), verify.Segment{Index: segment, Leaves: leaves, Opened: bytes.NewReader(data), File: "segment"})
		if err != nil && !strings.HasPrefix(err.Error(), "segment: ") {
			t.Fatalf("the error does not name the file: %v", err)
		}
	})
}
