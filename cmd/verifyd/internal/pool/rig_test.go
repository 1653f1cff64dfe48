package pool_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/job"
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
func (r *rig) offer(t *testing.T, audience string) []byte {
	t.Helper()
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: audience,
		Policy: merkle.Hash(must(r.policy.Hash())(t)), Steps: 8, Stride: 2, Sampled: job.Exactly(2), Slots: 1, Deadline: time.Minute, Issued: arrived.Add(-time.Hour),
		Seed: 7, Beacon: beacon.Fixed, Secret: [32]byte{1},
	}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.beacon = offered.Revealed
	return offered.File
}

// claim does the work of a job, has its claim received and answers the challenge: the bundle's folder.
func (r *rig) claim(t *testing.T, jobFile []byte) (bundle string) {
	t.Helper()
	dir := t.TempDir()
	terms := must(verify.Accept(jobFile, r.program.JSON(), r.by))(t)
	worker := must(document.NewKey(r.worker.Public()))(t)
	assignment := must(verify.Assign(terms, verify.Registration{Worker: worker.ID(), At: arrived.Add(-time.Minute)}, r.operator))(t)
	a, _, err := terms.ReadAssignment(assignment)
	if err != nil {
		t.Fatal(err)
	}
	summary := must(verify.Train(t.Context(), verify.Work{
		Terms: terms, Data: r.data, Device: r.devices.First(), Assignment: a,
	}, filepath.Join(dir, "trace")))(t)
	claim := must(verify.Claim(terms, summary, 0, r.worker))(t)
	opened := must(trace.Read(filepath.Join(dir, "trace"), terms.Trace()))(t)
	defer opened.Close()
	receipt := must(pool.Receive(terms, verify.Arrival{
		Assignment: assignment, Claim: claim, Leaves: opened.Leaves(), At: arrived.Add(-time.Millisecond), Sampled: 2,
	}, r.operator))(t)
	if receipt.Arrived != arrived || receipt.Round != 1 || receipt.Deadline != arrived.Add(time.Minute) {
		t.Errorf("%+v", receipt)
	}
	bundle = filepath.Join(dir, "bundle")
	err = verify.Answer(t.Context(), verify.Response{
		Terms: terms, Trace: opened, Data: r.data, Signer: r.worker,
		Documents: verify.Documents{Job: jobFile, Program: r.program.JSON(), Assignment: assignment, Claim: claim, Receipt: receipt.File, Beacon: r.beacon},
	}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	folder := must(verify.OpenFolder(bundle))(t)
	defer folder.Close()
	received := must(verify.ReceiveOpening(t.Context(), folder, arrived.Add(time.Second), r.operator))(t)
	if err := os.WriteFile(filepath.Join(bundle, verify.OpenedFile), received, 0o644); err != nil {
		t.Fatal(err)
	}
	return bundle
}

func (r *rig) judge() *pool.Judge {
	return &pool.Judge{
		Operator: r.by, Devices: r.devices.Order(), Failed: r.devices.Failed,
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
