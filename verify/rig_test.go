package verify_test

import (
	"context"
	"crypto/ecdsa"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

var (
	arrived = verifytest.Arrived
	secret  = verifytest.Secret
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

// rig is a pool in a test.
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
	return must(verifytest.NewKey(number))(t)
}

func keyOf(t testing.TB, k *ecdsa.PrivateKey) document.Key {
	t.Helper()
	return must(verifytest.KeyOf(k))(t)
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

func mlp() *program.Program { return verifytest.MLP() }

func blobs(t testing.TB, samples, width int) *job.Dataset {
	t.Helper()
	return must(verifytest.Blobs(samples, width))(t)
}

// newRig makes a job over p and data. Change may alter the job before it is signed.
func newRig(t testing.TB, p *program.Program, data *job.Dataset, change func(*job.Job)) *rig {
	t.Helper()
	return newRigWith(t, newKey(t, 1), newKey(t, 2), p, data, change)
}

func newRigWith(t testing.TB, operator, worker *ecdsa.PrivateKey, p *program.Program, data *job.Dataset, change func(*job.Job)) *rig {
	t.Helper()
	return newRigOf(t, verifytest.Setting{Operator: operator, Worker: worker, Program: p, Data: data, Slot: 1, Job: change})
}

// newRigOf makes a job as a setting says, which has keys of a rig's.
func newRigOf(t testing.TB, s verifytest.Setting) *rig {
	t.Helper()
	pool := must(verifytest.NewPool(t.Context(), s))(t)
	return &rig{
		t: t, operator: s.Operator.(*ecdsa.PrivateKey), worker: s.Worker.(*ecdsa.PrivateKey),
		data: s.Data, terms: pool.Terms, docs: pool.Documents, arrived: arrived,
	}
}

// pool is the rig as it is now.
func (r *rig) pool() *verifytest.Pool {
	return &verifytest.Pool{
		Operator: r.operator, Worker: r.worker, Data: r.data, Terms: r.terms, Documents: r.docs, Slot: 1, Arrived: r.arrived,
	}
}

// train leaves an honest trace.
func (r *rig) train(runner program.Runner) (dir string, s trace.Summary) {
	r.t.Helper()
	dir = filepath.Join(r.t.TempDir(), "trace")
	return dir, must(r.pool().Train(context.Background(), engine.NewCPU("worker's", runner, 2), dir))(r.t)
}

// forge leaves the trace of a cheat.
func (r *rig) forge(c cheat) (dir string) {
	r.t.Helper()
	dir = filepath.Join(r.t.TempDir(), "forged")
	must(r.pool().Forge(context.Background(), newCPU(r.t, kernels.Auto, 1), verifytest.Cheat{
		Init: c.init, Batch: c.batch, Skip: c.skip, State: c.state, Record: c.record,
	}, dir))(r.t)
	return dir
}

// claimed signs claim and receipt.
func (r *rig) claimed(s trace.Summary) error {
	p := r.pool()
	err := p.Claim(s)
	r.docs = p.Documents
	return err
}

// bundle claims a trace and answers the challenge.
func (r *rig) bundle(traceDir string) string {
	r.t.Helper()
	return must(r.tryBundle(traceDir))(r.t)
}

func (r *rig) tryBundle(traceDir string) (string, error) {
	dir := filepath.Join(r.t.TempDir(), "bundle")
	p := r.pool()
	err := p.Bundle(context.Background(), traceDir, dir)
	r.docs = p.Documents
	return dir, err
}

// rebundle answers with the files of an honest worker for a claim that says something else of the trace.
func (r *rig) rebundle(traceDir string, s trace.Summary) string {
	r.t.Helper()
	bundle := r.bundle(traceDir)
	if err := r.claimed(s); err != nil {
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
