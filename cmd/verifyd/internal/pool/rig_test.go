package pool_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var arrived = time.Unix(1_795_000_000, 0).UTC()

// rig is a pool with one worker: an operator, who offers a job under a policy, a verifier and its devices.
type rig struct {
	operator, worker, verifier *ecdsa.PrivateKey
	by                         document.Key // the operator
	devices                    *device.Set
	program                    *program.Program
	data                       *job.Dataset
	policy                     *policy.Policy
	beacon                     []byte
	curve                      []byte
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		operator: must(verifytest.NewKey(1))(t), worker: must(verifytest.NewKey(2))(t), verifier: must(verifytest.NewKey(3))(t),
		devices: must(device.Open(t.Context(), device.Options{Name: device.CPU, Threads: 1}))(t),
		program: verifytest.MLP(),
		data:    must(verifytest.Blobs(40, 7))(t),
		policy: &policy.Policy{
			Version: policy.Version, Name: "test", Mode: policy.Pot, Budget: policy.Uint{Uint128: proofs.Uint(1000)},
			Dust: policy.Hash{Hash: proofs.Hash{0xdd}},
			Metrics: policy.Metrics{
				Work:        policy.Metric{Weight: policy.Uint{Uint128: proofs.Uint(1)}, Hi: policy.Int{Int128: proofs.Int(1 << 60)}},
				Improvement: policy.Improvement{Of: policy.Loss},
			},
		},
	}
	t.Cleanup(r.devices.Close)
	r.by = must(document.NewKey(r.operator.Public()))(t)
	return r
}

// offer signs the job for a ledger. Everything else of it is the same each time.
func (r *rig) offer(t *testing.T, audience string) []byte { return r.offerOn(t, audience, nil) }

// offerOn signs a job with a log.
func (r *rig) offerOn(t *testing.T, audience string, l *job.Log) []byte {
	t.Helper()
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: audience,
		Policy: merkle.Hash(must(r.policy.Hash())(t)), Steps: 8, Stride: 2, Sampled: job.Exactly(2), Audit: job.Millionths, Slots: 1, Deadline: time.Minute, Issued: arrived.Add(-time.Hour), Log: l,
		Seed: 7, Beacon: beacon.Fixed, Secret: [32]byte{1},
	}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.beacon, r.curve = offered.Revealed, offered.Curve
	return offered.File
}

// offerOwn signs a job for data of each worker's own.
func (r *rig) offerOwn(t *testing.T) []byte {
	t.Helper()
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Own: &job.Own{Least: 2, Most: 100}, Pool: "test", Audience: "urn:db:test",
		Policy: merkle.Hash(must(r.policy.Hash())(t)), Steps: 8, Stride: 2, Sampled: job.Exactly(2), Audit: job.Millionths, Slots: 1, Deadline: time.Minute, Issued: arrived.Add(-time.Hour),
		Seed: 7, Beacon: beacon.Fixed, Secret: [32]byte{1},
	}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.beacon, r.curve = offered.Revealed, offered.Curve
	return offered.File
}

// desk is where the operator of a job gives what there is one of.
func (r *rig) desk(t *testing.T, jobFile []byte, l *translog.Log) *pool.Desk {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	if err := registry.Init(dir); err != nil {
		t.Fatal(err)
	}
	return &pool.Desk{
		Terms: must(verify.Accept(jobFile, r.program.JSON(), r.curve, r.by))(t), Job: jobFile, Operator: r.operator,
		Registry: must(registry.Open(dir))(t), Log: l, Clock: func() time.Time { return arrived.Add(-time.Millisecond) },
	}
}

// claim does the work of a job, has its claim received and answers the challenge: the bundle's folder.
func (r *rig) claim(t *testing.T, jobFile []byte) (bundle string) {
	t.Helper()
	d := r.desk(t, jobFile, nil)
	bundle = r.work(t, d).answer(t)
	r.receive(t, d, bundle)
	return bundle
}

// work is what a worker has when its claim has its receipt.
type work struct {
	*rig
	desk                       *pool.Desk
	dir                        string
	assignment, claim, receipt []byte
	assigned, index            int64 // of assignment and receipt in the log
}

// work does the work of a desk's job and has its claim received.
func (r *rig) work(t *testing.T, d *pool.Desk) *work {
	t.Helper()
	w := &work{rig: r, desk: d, dir: t.TempDir()}
	worker := must(document.NewKey(r.worker.Public()))(t)
	assigned := must(d.Assign(t.Context(), worker.ID(), 0, nil, nil, merkle.Hash{5}))(t)
	w.assignment, w.assigned = assigned.File, assigned.Index
	a, _, err := d.Terms.ReadAssignment(w.assignment)
	if err != nil {
		t.Fatal(err)
	}
	summary := must(verify.Train(t.Context(), verify.Work{
		Terms: d.Terms, Data: r.data, Device: r.devices.First(), Assignment: a,
	}, filepath.Join(w.dir, "trace")))(t)
	w.claim = must(verify.Claim(d.Terms, summary, 0, r.worker))(t)
	receipt := w.received(t)
	w.receipt, w.index = receipt.File, receipt.Index
	return w
}

// received has the claim received.
func (w *work) received(t *testing.T) *pool.Receipt {
	t.Helper()
	opened := must(trace.Read(filepath.Join(w.dir, "trace"), w.desk.Terms.Trace()))(t)
	defer opened.Close()
	receipt := must(w.desk.Receive(t.Context(), w.claim, opened.Leaves(), 2))(t)
	if receipt.Arrived != arrived || receipt.Round != 1 || receipt.Deadline != arrived.Add(time.Minute) {
		t.Errorf("%+v", receipt)
	}
	return receipt
}

// answer answers the challenge: the bundle's folder, which lacks the receipt of the opening.
func (w *work) answer(t *testing.T) (bundle string) {
	t.Helper()
	opened := must(trace.Read(filepath.Join(w.dir, "trace"), w.desk.Terms.Trace()))(t)
	defer opened.Close()
	bundle = filepath.Join(w.dir, "bundle")
	err := verify.Answer(t.Context(), verify.Response{
		Terms: w.desk.Terms, Trace: opened, Data: w.data, Signer: w.worker, Device: w.devices.First(),
		Documents: verify.Documents{
			Job: w.desk.Job, Program: w.program.JSON(), Curve: w.curve, Assignment: w.assignment, Claim: w.claim, Receipt: w.receipt, Beacon: w.beacon,
		},
	}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// receive has the opening in a bundle received, and says where in the log that is.
func (r *rig) receive(t *testing.T, d *pool.Desk, bundle string) (index int64) {
	t.Helper()
	folder := must(verify.OpenFolder(bundle))(t)
	defer folder.Close()
	opened := must(d.Open(t.Context(), folder))(t)
	if err := os.WriteFile(filepath.Join(bundle, verify.OpenedFile), opened.File, 0o644); err != nil {
		t.Fatal(err)
	}
	return opened.Index
}

// verifierID names the verifier.
func (r *rig) verifierID() merkle.Hash {
	key, err := document.NewKey(r.verifier.Public())
	if err != nil {
		panic(err) // it is one over P-256
	}
	return key.ID()
}

func (r *rig) judge() *pool.Judge {
	return &pool.Judge{
		Operator: r.by, Verifier: r.verifierID(), Devices: r.devices.Order(), Failed: r.devices.Failed,
		Clock: func() time.Time { return arrived.Add(time.Hour) },
	}
}

// log makes a transparency log.
func (r *rig) log(t *testing.T) pool.Log {
	t.Helper()
	signer := must(translog.NewSigner("log.example/pool", ed25519.NewKeyFromSeed(make([]byte, 32))))(t)
	l := pool.Log{Folder: filepath.Join(t.TempDir(), "log"), Signers: []*translog.Signer{signer}}
	if err := translog.Init(l.Folder, signer); err != nil {
		t.Fatal(err)
	}
	return l
}
