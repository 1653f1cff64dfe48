package verify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

var (
	arrived = time.Unix(1_790_000_000, 0)
	secret  = [32]byte{4, 2}
)

// rig is a pool in a test: an operator, a worker, a job and data.
type rig struct {
	t        testing.TB
	operator *ecdsa.PrivateKey
	worker   *ecdsa.PrivateKey
	data     *job.Dataset
	terms    *verify.Terms
	docs     verify.Documents
	arrived  time.Time // of the claim
}

// newKey returns the same key for the same number, so that the order of samples is the same in every run.
func newKey(t testing.TB, number byte) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{number}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyOf(t testing.TB, k *ecdsa.PrivateKey) document.Key {
	t.Helper()
	key, err := document.NewKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCPU(t testing.TB, isa kernels.ISA, threads int) *kernels.CPU {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cpu.Close)
	return cpu
}

func newDevice(t testing.TB, name string, isa kernels.ISA, threads int) engine.Device {
	t.Helper()
	return engine.NewCPU(name, newCPU(t, isa, threads), threads)
}

// mlp is a small classifier with momentum, decay and clipping.
func mlp() *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: 6, Accumulation: 2, ClipNorm: 0.5,
		Graph:     program.MLP(program.MLPConfig{Inputs: 7, Hidden: []int{11, 5}, Classes: 3, Dropout: 0.2}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
		Schedule:  program.Schedule{Kind: program.CosineDecay, Rate: 0.1, Warmup: 5, Steps: 50},
	}
}

// blobs is three noisy classes of rows.
func blobs(t testing.TB, samples, width int) *job.Dataset {
	t.Helper()
	x := make([]float32, samples*width)
	y := make([]int32, samples)
	noise := uint32(1)
	for i := range samples {
		y[i] = int32(i % 3)
		for k := range width {
			noise = noise*1664525 + 1013904223
			x[i*width+k] = float32(int32(noise)>>8)*(1.0/(1<<24)) + float32((i%3+k)%3)
		}
	}
	d, err := job.NewDataset(
		program.TensorSpec{Name: "x", Shape: []int{samples, width}}, kernels.Buf{F: x},
		program.TensorSpec{Name: "y", Kind: kernels.I32, Shape: []int{samples}}, kernels.Buf{I: y})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newRig makes a job over p and data. Change may alter the job before it is signed.
func newRig(t testing.TB, p *program.Program, data *job.Dataset, change func(*job.Job)) *rig {
	t.Helper()
	return newRigWith(t, newKey(t, 1), newKey(t, 2), p, data, change)
}

func newRigWith(t testing.TB, operator, worker *ecdsa.PrivateKey, p *program.Program, data *job.Dataset, change func(*job.Job)) *rig {
	t.Helper()
	r := &rig{t: t, operator: operator, worker: worker, data: data, arrived: arrived}
	chain, public := beacon.NewFixed(secret)
	root, err := verify.InitRoot(t.Context(), p, kernels.ProfileF32, 11, newDevice(t, "operator's", kernels.Auto, 1))
	if err != nil {
		t.Fatal(err)
	}
	j := job.Job{
		Version: job.Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Operator: keyOf(t, r.operator), Pool: merkle.Hash{1}, Audience: merkle.Hash{2}, Policy: merkle.Hash{3},
		Program: p.Digest(),
		Data:    job.Data{Root: data.Tree().Root(), Samples: uint64(data.Samples())},
		Order:   job.OrderRule{Rule: job.Rule, Seed: merkle.Hash{5}},
		Init:    job.Init{Root: root, Seed: 11},
		Seed:    12, Steps: 23, Stride: 3, Slots: 2, Sampled: 3,
		Beacon: chain, Delay: 6, Deadline: 3600,
	}
	if change != nil {
		change(&j)
	}
	r.docs.Program = p.JSON()
	if r.docs.Job, err = job.Sign(j, r.operator); err != nil {
		t.Fatal(err)
	}
	if r.terms, err = verify.Accept(r.docs.Job, r.docs.Program, j.Operator); err != nil {
		t.Fatal(err)
	}
	if r.docs.Beacon, err = document.Encode(public); err != nil {
		t.Fatal(err)
	}
	return r
}

// train leaves an honest trace.
func (r *rig) train(runner program.Runner) (dir string, s trace.Summary) {
	r.t.Helper()
	dir = filepath.Join(r.t.TempDir(), "trace")
	s, err := verify.Train(context.Background(), verify.Work{
		Terms: r.terms, Data: r.data, Device: engine.NewCPU("worker's", runner, 2), Worker: keyOf(r.t, r.worker).ID(), Slot: 1,
	}, dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return dir, s
}

// bundle claims a trace and answers the challenge.
func (r *rig) bundle(traceDir string) string {
	r.t.Helper()
	dir, err := r.tryBundle(traceDir)
	if err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func (r *rig) tryBundle(traceDir string) (string, error) {
	tr, err := trace.Read(traceDir, r.terms.Trace())
	if err != nil {
		return "", err
	}
	defer tr.Close()
	if r.docs.Claim, err = verify.Claim(r.terms, tr.Summary(), 1, r.worker); err != nil {
		return "", err
	}
	if r.docs.Receipt, err = verify.Receive(r.terms, r.docs.Claim, r.arrived, r.operator); err != nil {
		return "", err
	}
	dir := filepath.Join(r.t.TempDir(), "bundle")
	err = verify.Answer(context.Background(), verify.Response{
		Terms: r.terms, Documents: r.docs, Trace: tr, Data: r.data, Signer: r.worker,
	}, dir)
	return dir, err
}

// rebundle answers with the files of an honest worker for a claim that says something else of the trace.
func (r *rig) rebundle(traceDir string, s trace.Summary) string {
	r.t.Helper()
	bundle := r.bundle(traceDir)
	var err error
	if r.docs.Claim, err = verify.Claim(r.terms, s, 1, r.worker); err != nil {
		r.t.Fatal(err)
	}
	if r.docs.Receipt, err = verify.Receive(r.terms, r.docs.Claim, r.arrived, r.operator); err != nil {
		r.t.Fatal(err)
	}
	write(r.t, filepath.Join(bundle, verify.ClaimFile), r.docs.Claim)
	write(r.t, filepath.Join(bundle, verify.ReceiptFile), r.docs.Receipt)
	return bundle
}

func (r *rig) options(isa kernels.ISA, threads int) verify.Options {
	return verify.Options{Devices: []engine.Device{
		newDevice(r.t, "first", isa, threads), newDevice(r.t, "second", kernels.Generic, 1),
	}}
}

func (r *rig) judge(dir string, o verify.Options) *verify.Verdict {
	r.t.Helper()
	v, err := verify.Judge(context.Background(), dir, keyOf(r.t, r.operator), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
