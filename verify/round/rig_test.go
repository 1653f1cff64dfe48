package round

import (
	"crypto"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rig is a round whose workers have trained and were judged.
type rig struct {
	dir      string
	operator crypto.Signer
	key      document.Key
	verifier crypto.Signer
	program  *program.Program
	round    Round
	pools    []*verifytest.Pool
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// some is a base of a program.
func some(t testing.TB, p *program.Program) *verify.Base {
	t.Helper()
	plan := must(program.Compile(p, kernels.ProfileF32))(t)
	tensors := tensorsLike(plan.Base())
	for i, x := range tensors {
		for k := range x {
			x[k] = float32((k*7+i)%19-9) / 64
		}
	}
	return must(verify.NewBase(plan, tensors, 1))(t)
}

// newRig is a round of workers with so many samples of their own, each.
func newRig(t testing.TB, rule Rule, p *program.Program, samples ...int) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), program: p, operator: must(verifytest.NewKey(1))(t), verifier: must(verifytest.NewKey(9))(t)}
	r.key = must(verifytest.KeyOf(r.operator))(t)
	base := some(t, p)
	r.round = Round{
		Version: Version, Operator: r.key, Verifiers: []document.Key{must(verifytest.KeyOf(r.verifier))(t)},
		Program: p.Digest(), Base: base.Root, Validation: merkle.Hash{5}, Rule: rule,
	}
	for i, n := range samples {
		r.pools = append(r.pools, r.train(t, base, byte(10+i), n))
	}
	r.round.Jobs = []Offered{{r.pools[0].Terms.Digest, 1}}
	write(t, filepath.Join(r.dir, ProgramFile), p.JSON())
	write(t, filepath.Join(r.dir, JobsDir, r.pools[0].Terms.Digest.String()+documentSuffix), r.pools[0].Documents.Job)
	toFile(t, filepath.Join(r.dir, BaseFile), base.Write)
	r.sign(t)
	return r
}

// sign puts the round as it is into its folder.
func (r *rig) sign(t testing.TB) {
	t.Helper()
	write(t, filepath.Join(r.dir, File), must(r.round.Sign(r.operator))(t))
}

func toFile(t testing.TB, path string, to func(io.Writer) error) {
	t.Helper()
	f := must(os.Create(path))(t)
	if err := errors.Join(to(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// rows are so many samples that a program of the tests reads.
func rows(t testing.TB, p *program.Program, samples int) *job.Dataset {
	t.Helper()
	x := must(program.Compile(p, kernels.ProfileF32))(t).X()
	switch {
	case x.Kind == kernels.I32:
		return must(verifytest.Text(samples))(t)
	case len(x.Shape) == 4:
		return must(verifytest.Images(samples))(t)
	}
	return must(verifytest.Blobs(samples, 7))(t)
}

// train has a worker train, and a verifier judge what it hands in.
func (r *rig) train(t testing.TB, base *verify.Base, worker byte, samples int) *verifytest.Pool {
	t.Helper()
	cpu := must(kernels.NewCPU(kernels.Options{Threads: 1}))(t)
	t.Cleanup(cpu.Close)
	slow := must(kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1}))(t)
	t.Cleanup(slow.Close)
	device := engine.NewCPU("test's", cpu, 1)
	data := rows(t, r.program, samples)
	p := must(verifytest.NewPool(t.Context(), verifytest.Setting{
		Operator: r.operator, Worker: must(verifytest.NewKey(worker))(t), Program: r.program, Data: data, Device: device, Base: base, Measured: rows(t, r.program, 40),
		Job: func(j *job.Job) {
			j.Data.Own = &job.Own{Least: 1, Most: 1000}
			j.Init.Root = merkle.Hash{} // computed
			j.Steps, j.Stride, j.Slots = 6, 3, 1
		},
	}))(t)
	dir, bundle := filepath.Join(t.TempDir(), "trace"), filepath.Join(t.TempDir(), "bundle")
	must(p.Train(t.Context(), device, dir))(t)
	if err := p.Bundle(t.Context(), dir, bundle); err != nil {
		t.Fatal(err)
	}
	id := must(verifytest.KeyOf(r.verifier))(t).ID()
	v := must(verify.Judge(t.Context(), bundle, r.key, verify.Options{Devices: []engine.Device{device, engine.NewCPU("second", slow, 1)}, Verifier: id}))(t)
	if v.Finding.Outcome != verify.Pass {
		t.Fatalf("%+v", v.Finding)
	}
	claim := v.Finding.Claim.String()
	write(t, filepath.Join(r.dir, VerdictsDir, claim+documentSuffix), must(v.Sign(r.verifier))(t))
	write(t, filepath.Join(r.dir, FinalsDir, claim+tensorsSuffix), must(os.ReadFile(filepath.Join(dir, trace.FinalFile)))(t))
	return p
}

// open opens the round's folder.
func (r *rig) open(t testing.TB, threads int) *Books {
	t.Helper()
	return must(Open(r.dir, r.key, threads))(t)
}
