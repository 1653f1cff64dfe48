package verify_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
)

func TestWorkThatDoesNotFitTheJobIsNotBegun(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	for name, c := range map[string]struct {
		data  *job.Dataset
		init  merkle.Hash
		words string
	}{
		"fewer samples": {blobs(t, 39, 7), r.terms.Job.Init.Root, "data: 39 samples"},
		"wider rows":    {blobs(t, 40, 8), r.terms.Job.Init.Root, `data: tensor "x"`},
		"other samples": {altered(t), r.terms.Job.Init.Root, "data: root"},
		"other init":    {r.data, merkle.Hash{1}, "initial state: root"},
	} {
		terms := *r.terms
		manifest := *r.terms.Job
		manifest.Init.Root = c.init
		terms.Job = &manifest
		dir := filepath.Join(t.TempDir(), "trace")
		_, err := verify.Train(context.Background(), verify.Work{
			Terms: &terms, Data: c.data, Device: newDevice(t, "cpu", kernels.Auto, 1), Assignment: job.Assignment{Worker: merkle.Hash{1}},
		}, dir)
		if err == nil || !strings.HasPrefix(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: left %s behind", name, dir)
		}
	}
}

// altered is the data of the tests with one element changed.
func altered(t testing.TB) *job.Dataset {
	d := blobs(t, 40, 7)
	x, y := kernels.Buf{F: make([]float32, 280)}, kernels.Buf{I: make([]int32, 40)}
	ids := make([]int64, 40)
	for i := range ids {
		ids[i] = int64(i)
	}
	if err := d.Fill([]kernels.Buf{x, y}, ids); err != nil {
		t.Fatal(err)
	}
	x.F[3]++
	d, err := job.NewDataset(
		program.TensorSpec{Shape: []int{40, 7}}, x, program.TensorSpec{Kind: kernels.I32, Shape: []int{40}}, y)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTrainingThatDivergesDoesSoAgain(t *testing.T) {
	p := mlp()
	p.ClipNorm, p.Schedule = 0, program.Schedule{Kind: program.Constant, Rate: 1e30}
	r := newRig(t, p, blobs(t, 40, 7), nil)
	dir := filepath.Join(t.TempDir(), "trace")
	for range 2 {
		_, err := r.pool().Train(t.Context(), newDevice(t, "cpu", kernels.Auto, 1), dir)
		if err == nil || !strings.HasPrefix(err.Error(), "training diverged") || fault.Of(err) != fault.NotFinite {
			t.Error(err)
		}
	}
}

func TestTrainingThatIsStoppedGoesOn(t *testing.T) {
	w := newResumer(t)
	dir := filepath.Join(t.TempDir(), "trace")
	ctx, stop := context.WithCancel(t.Context())
	work := w.work
	work.Progress = func(done uint64, _ float32) {
		if done == 7 {
			stop()
		}
	}
	if _, err := verify.Train(ctx, work, dir); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := verify.Train(ctx, work, dir); !errors.Is(err, context.Canceled) { // nor does it begin
		t.Fatal(err)
	}
	w.resumed("stopped", readFolder(t, dir))
	if len(w.told) != 1 || w.told[0].Steps != 6 || w.told[0].Repeated != 1 {
		t.Errorf("told %+v", w.told)
	}
}

func TestAnAnswerNeedsTheTraceThatWasClaimed(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	r.bundle(dir)
	summary.Root[0] ^= 1
	if err := r.claimed(summary); err != nil {
		t.Fatal(err)
	}
	tr, err := trace.Read(dir, r.terms.Trace())
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	out := filepath.Join(t.TempDir(), "bundle")
	err = verify.Answer(context.Background(), verify.Response{Terms: r.terms, Documents: r.docs, Trace: tr, Data: r.data, Signer: r.worker, Device: newDevice(t, "worker's", kernels.Auto, 1)}, out)
	if err == nil || !strings.Contains(err.Error(), "not the one that was claimed") {
		t.Error(err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("left a bundle behind")
	}
}

func TestAStateThatADiskDamagedIsNoAnswerWhereverItIs(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	if err := r.claimed(summary); err != nil {
		t.Fatal(err)
	}
	states := must(filepath.Glob(filepath.Join(dir, "states", "*.safetensors")))(t)
	if uint64(len(states)) != r.terms.Job.Segments() {
		t.Fatalf("%d states of %d segments", len(states), r.terms.Job.Segments())
	}
	for _, path := range append(states, filepath.Join(dir, trace.FinalFile)) {
		whole := must(os.ReadFile(path))(t)
		damaged := slices.Clone(whole)
		damaged[len(damaged)-4] ^= 1 // the last bit of the last number
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "bundle")
		tr := must(trace.Read(dir, r.terms.Trace()))(t)
		err := verify.Answer(t.Context(), verify.Response{Terms: r.terms, Documents: r.docs, Trace: tr, Data: r.data, Signer: r.worker, Device: newDevice(t, "worker's", kernels.Auto, 1)}, out)
		tr.Close()
		if fault.Of(err) != fault.Altered {
			t.Errorf("%s damaged: %v", filepath.Base(path), err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s damaged: left a bundle behind", filepath.Base(path))
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStrideWhoseOpeningsFitNoFileIsRefused(t *testing.T) {
	p := mlp()
	p.Graph = program.MLP(program.MLPConfig{Inputs: 7, Hidden: slices.Repeat([]int{2}, 600), Classes: 3})
	r := newRig(t, p, blobs(t, 40, 7), nil)
	manifest := *r.terms.Job
	manifest.Steps, manifest.Stride = 5000, job.MaxStride // 2,404 tensors of state and six for each of 1,024 steps
	file, err := job.Sign(manifest, r.operator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify.Accept(file, r.docs.Program, r.docs.Curve, manifest.Operator); err == nil || !strings.HasPrefix(err.Error(), "job.json: stride") {
		t.Error(err)
	}
}

func FuzzJudge(f *testing.F) {
	r := newRig(f, mlp(), blobs(f, 8, 7), func(j *job.Job) { j.Steps, j.Stride = 2, 2 })
	dir, _ := r.train(newCPU(f, kernels.Auto, 1))
	bundle := r.bundle(dir)
	names := []string{
		verify.JobFile, verify.ProgramFile, verify.CurveFile, verify.AssignmentFile, verify.ClaimFile, verify.ReceiptFile, verify.BeaconFile,
		verify.OpeningFile, verify.LeavesFile, "openings/segment-00000000.safetensors.zst", verify.SlicesFile,
	}
	for i, name := range names {
		f.Add(byte(i), read(f, bundle, name))
	}
	o := r.options(kernels.Auto, 1)
	operator := keyOf(f, r.operator)
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		b := copyBundle(t, bundle)
		name := names[int(which)%len(names)]
		write(t, filepath.Join(b, name), data)
		v, err := verify.Judge(context.Background(), b, operator, o)
		if err != nil && v != nil {
			t.Fatal("an error with a verdict")
		}
		if err == nil && v.Finding.Outcome != verify.Pass {
			t.Fatalf("%s altered by a stranger condemns the worker: %+v", name, v.Finding)
		}
	})
}
