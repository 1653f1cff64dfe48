package verify_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// handIn claims the trace of one pool to the job of another.
func handIn(t *testing.T, p *verifytest.Pool, traceDir string) *verify.Verdict {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "bundle")
	if err := p.Bundle(t.Context(), traceDir, bundle); err != nil {
		t.Fatal(err)
	}
	v, err := verify.Judge(t.Context(), bundle, p.Terms.Job.Operator, verify.Options{Devices: devices(t)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func devices(t testing.TB) []engine.Device {
	t.Helper()
	return []engine.Device{newDevice(t, "first", kernels.Auto, 1), newDevice(t, "second", kernels.Generic, 1)}
}

func TestOneTrainingServesOneAssignment(t *testing.T) {
	data := blobs(t, 40, 7)
	offer := func(order merkle.Hash, slot uint32, change func(*job.Job)) *verifytest.Pool {
		return must(verifytest.NewPool(t.Context(), verifytest.Setting{
			Program: mlp(), Data: data, Slot: slot, Order: order, Job: func(j *job.Job) {
				j.Sampled = job.Exactly(job.MaxSampled)
				if change != nil {
					change(j)
				}
			},
		}))(t)
	}
	order := merkle.Hash{7}
	mine := offer(order, 0, nil)
	traceDir := filepath.Join(t.TempDir(), "trace")
	must(mine.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), traceDir))(t)
	if v := handIn(t, mine, traceDir); v.Finding.Outcome != verify.Pass {
		t.Fatalf("%+v", v.Finding)
	}
	for name, other := range map[string]*verifytest.Pool{
		"another ledger's job":    offer(order, 0, func(j *job.Job) { j.Audience = merkle.Hash{9} }),
		"another policy's job":    offer(order, 0, func(j *job.Job) { j.Policy = merkle.Hash{9} }),
		"the same job a day on":   offer(order, 0, func(j *job.Job) { j.Issued++ }),
		"another slot":            offer(order, 1, nil),
		"another order":           offer(merkle.Hash{8}, 0, nil),
		"another pool's operator": offer(order, 0, func(j *job.Job) { j.Pool = merkle.Hash{9} }),
	} {
		if v := handIn(t, other, traceDir); v.Finding.Outcome != verify.Fail {
			t.Errorf("%s: %+v", name, v.Finding)
		}
	}
}

func TestALongerJobsTraceHoldsNoShorterOnes(t *testing.T) {
	data := blobs(t, 40, 7)
	offer := func(steps uint64) *verifytest.Pool {
		return must(verifytest.NewPool(t.Context(), verifytest.Setting{
			Program: mlp(), Data: data, Job: func(j *job.Job) { j.Steps, j.Stride, j.Sampled = steps, 2, job.Exactly(9) },
		}))(t)
	}
	long, short := offer(8), offer(4)
	whole := filepath.Join(t.TempDir(), "whole")
	must(long.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), whole))(t)
	part := filepath.Join(t.TempDir(), "part")
	w := must(trace.Create(part, short.Terms.Trace(), trace.Bound{Job: short.Terms.Digest}))(t)
	r := must(trace.Read(whole, long.Terms.Trace()))(t)
	defer r.Close()
	leaves := must(trace.NewLeaves(r.Leaves(), "leaves", 8))(t)
	state := make([][]float32, 0)
	for _, s := range short.Terms.State().Tensors() {
		state = append(state, make([]float32, s.Len()))
	}
	for step := range uint64(4) {
		if step%2 == 0 {
			c, err := r.Snapshot(step/2, state)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Snapshot(c, state); err != nil {
				t.Fatal(err)
			}
		}
		s := trace.Step{
			Leaf:      must(leaves.Next())(t),
			Gradients: make([]merkle.Hash, len(short.Terms.Gradient().Tensors())), Next: make([]merkle.Hash, len(state)),
		}
		if err := r.Digests(step, s.Gradients, s.Next); err != nil {
			t.Fatal(err)
		}
		if err := w.Append(&s); err != nil {
			t.Fatal(err)
		}
	}
	c, err := r.Snapshot(2, state)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Final(c, state); err != nil {
		t.Fatal(err)
	}
	must(w.Close())(t)
	if v := handIn(t, short, part); v.Finding.Outcome != verify.Fail {
		t.Errorf("%+v", v.Finding)
	}
}

func TestAKeyCannotBeTriedUntilItsOrderSuits(t *testing.T) {
	r := newDrandRig(t, time.Unix(1692803367+2997-6, 0))
	good := r.assignment()
	sign := func(change func(a *job.Assignment)) []byte {
		a := good
		b := *a.Beacon
		a.Beacon = &b
		change(&a)
		return must(a.Sign(r.operator))(t)
	}
	for name, change := range map[string]func(a *job.Assignment){
		"a seed of the operator's":    func(a *job.Assignment) { a.Seed = merkle.Hash{1} },
		"no beacon":                   func(a *job.Assignment) { a.Beacon = nil },
		"another worker's seed":       func(a *job.Assignment) { a.Worker[0] ^= 1 },
		"another slot's seed":         func(a *job.Assignment) { a.Slot = 0 },
		"registered after the round":  func(a *job.Assignment) { a.Registered++ },
		"registered long before":      func(a *job.Assignment) { a.Registered -= 3 },
		"a round that is not drand's": func(a *job.Assignment) { a.Beacon.Value = "00" + a.Beacon.Value[2:] },
	} {
		if _, _, err := r.terms.ReadAssignment(sign(change)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, err := r.terms.ReadAssignment(sign(func(*job.Assignment) {})); err != nil {
		t.Error(err)
	}
}

func TestNoBeaconIsKnownWhenAClaimArrives(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps = 3 })
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	claim := must(verify.Claim(r.terms, summary, 1, r.worker))(t)
	leaves := read(t, dir, verify.LeavesFile)
	receive := func(at time.Time) (verify.Receipt, error) {
		file, err := verify.Receive(r.terms, verify.Arrival{
			Assignment: r.docs.Assignment, Claim: claim, Leaves: bytes.NewReader(leaves), At: at, Sampled: 3,
		}, r.operator)
		if err != nil {
			return verify.Receipt{}, err
		}
		return r.terms.ReadReceipt(file)
	}
	for late := time.Duration(0); late < 3*time.Second; late += 99 * time.Millisecond {
		got, err := receive(arrived.Add(late))
		if err != nil {
			t.Fatal(err)
		}
		if at := time.Unix(got.Arrived, 0); at.Before(arrived.Add(late)) || at.Sub(arrived.Add(late)) >= time.Second {
			t.Errorf("arrived %v after the second, received at %v", late, at)
		}
	}
	if _, err := receive(verifytest.Issued); err == nil {
		t.Error("a receipt from before the worker was registered")
	}
	// With the least delay that a job may have, the round is one that was published after the claim came.
	j := *r.terms.Job
	j.Beacon = beacon.Chain{Name: beacon.Quicknet}
	j.Delay = uint32(2*j.Beacon.Period()) - 1
	if j.Check() == nil {
		t.Error("a job whose beacon may be known")
	}
	j.Delay++
	if err := j.Check(); err != nil {
		t.Error(err)
	}
	for second := range int64(20) {
		at := arrived.Unix() + second
		if _, due := j.Round(at); due < at+2*j.Beacon.Period() {
			t.Errorf("a claim of second %d is challenged by a round of second %d", at, due)
		}
	}
}

func TestAReceiptIsGivenOnlyForLeavesThatAreThere(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps = 3; j.Sampled = job.Range{Least: 1, Most: 3} })
	dir, summary := r.train(newCPU(t, kernels.Auto, 1))
	claim := must(verify.Claim(r.terms, summary, 1, r.worker))(t)
	leaves := read(t, dir, verify.LeavesFile)
	nothing := must(verify.Claim(r.terms, trace.Summary{Steps: 3, Root: merkle.Hash{1}}, 1, r.worker))(t)
	empty := must(verify.Claim(r.terms, trace.Summary{Steps: 3, Root: merkle.Empty()}, 1, r.worker))(t)
	other := newRigWith(t, r.operator, newKey(t, 3), mlp(), blobs(t, 40, 7), func(j *job.Job) { *j = *r.terms.Job })
	for name, a := range map[string]verify.Arrival{
		"no leaves":               {Claim: claim, Leaves: bytes.NewReader(nil)},
		"damaged leaves":          {Claim: claim, Leaves: bytes.NewReader(append(bytes.Clone(leaves[:len(leaves)-1]), 1))},
		"leaves cut":              {Claim: claim, Leaves: bytes.NewReader(leaves[:len(leaves)-1])},
		"more than the leaves":    {Claim: claim, Leaves: bytes.NewReader(append(bytes.Clone(leaves), 0))},
		"a root over nothing":     {Claim: nothing, Leaves: bytes.NewReader(leaves)},
		"a root over no leaves":   {Claim: empty, Leaves: bytes.NewReader(leaves[:16])},
		"a job for a claim":       {Claim: r.docs.Job, Leaves: bytes.NewReader(leaves)},
		"more than the job draws": {Claim: claim, Leaves: bytes.NewReader(leaves), Sampled: 99},
		"another's assignment":    {Claim: claim, Leaves: bytes.NewReader(leaves), Assignment: other.docs.Assignment},
	} {
		a.At = arrived
		if a.Assignment == nil {
			a.Assignment = r.docs.Assignment
		}
		if a.Sampled == 0 {
			a.Sampled = 2
		}
		if _, err := verify.Receive(r.terms, a, r.operator); err == nil {
			t.Errorf("%s: received", name)
		}
	}
	good := verify.Arrival{Assignment: r.docs.Assignment, Claim: claim, Leaves: bytes.NewReader(leaves), At: arrived, Sampled: 2}
	if _, err := verify.Receive(r.terms, good, r.worker); err == nil {
		t.Error("the worker gave itself a receipt")
	}
	good.Leaves = bytes.NewReader(leaves)
	file, err := verify.Receive(r.terms, good, r.operator)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.terms.ReadReceipt(file)
	if err != nil || got.Root != summary.Root || got.Sampled != 2 || got.Slot != 1 || got.Worker != keyOf(t, r.worker).ID() {
		t.Errorf("%+v, %v", got, err)
	}
}
