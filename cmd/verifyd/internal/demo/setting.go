package demo

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// policy is what the demonstration's pool pays for. A real one is a document
// that is voted on; this one is a sentence.
const policy = "one unit for each step of a claim that passes"

// The sizes of a claim: 50 segments of 8 steps, of which 5 are drawn.
const (
	steps   = 400
	stride  = 8
	sampled = 5
)

// people are the three who do not trust one another.
type people struct{ operator, worker, verifier crypto.Signer }

func newPeople(dir string) (p people, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return people{}, err
	}
	for role, key := range map[keys.Role]*crypto.Signer{
		keys.Operator: &p.operator, keys.Worker: &p.worker, keys.Verifier: &p.verifier,
	} {
		if *key, err = (keys.Keyring{}).New(filepath.Join(dir, string(role)+".pem"), role, keys.P256); err != nil {
			return people{}, err
		}
	}
	return p, nil
}

// setting is one model's job and what the three need to act on it.
type setting struct {
	people
	options Options
	dir     string
	program *program.Program
	plan    *program.Plan
	data    *job.Dataset
	init    merkle.Hash
	root    merkle.Hash // of the data
}

// newSetting writes a model's data into dir and prepares the job.
func newSetting(ctx context.Context, o Options, p people, m model, dir string) (*setting, error) {
	s := &setting{people: p, options: o, dir: dir, program: &m.program}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	if s.plan, err = program.Compile(s.program, kernels.ProfileF32); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "data.safetensors")
	if err := writeData(file, s.plan); err != nil {
		return nil, err
	}
	if s.data, err = job.ReadDataset(file, 1<<20); err != nil {
		return nil, err
	}
	if s.init, err = verify.InitRoot(ctx, s.program, kernels.ProfileF32, initSeed, o.Devices[0]); err != nil {
		return nil, err
	}
	s.root = s.data.Tree().Root()
	return s, nil
}

// initSeed is the seed of the initial state.
const initSeed = 1

// offer is a job as the operator published it.
type offer struct {
	number  uint64 // of its fixed beacon
	jobFile []byte
	terms   *verify.Terms
	beacon  beacon.Beacon
}

// offer signs the job with the fixed beacon of a number. Jobs that differ only
// in their beacon have the same steps, so one trace can be claimed for each.
func (s *setting) offer(number uint64) (*offer, error) {
	operator, err := document.NewKey(s.operator.Public())
	if err != nil {
		return nil, err
	}
	chain, revealed := beacon.NewFixed(beaconValue(number))
	jobFile, err := job.Sign(job.Job{
		Version: job.Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Operator: operator,
		Pool:     sha256.Sum256([]byte("verifyd demo")),
		Audience: sha256.Sum256([]byte("urn:verifyd:demo")),
		Policy:   sha256.Sum256([]byte(policy)),
		Program:  s.program.Digest(),
		Data:     job.Data{Root: s.root, Samples: uint64(s.data.Samples())},
		Order:    job.OrderRule{Rule: job.Rule, Seed: sha256.Sum256([]byte("verifyd demo order"))},
		Init:     job.Init{Root: s.init, Seed: initSeed},
		Seed:     2,
		Steps:    steps, Stride: stride, Slots: 1, Sampled: sampled,
		Beacon: chain, Delay: 0, Deadline: 3600,
	}, s.operator)
	if err != nil {
		return nil, err
	}
	terms, err := verify.Accept(jobFile, s.program.JSON(), operator)
	if err != nil {
		return nil, err
	}
	return &offer{number, jobFile, terms, revealed}, nil
}

// beaconValue is the value of the fixed beacon of a number.
func beaconValue(number uint64) merkle.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("verifyd demo beacon"), number))
}

// work is what the worker brings to an offer.
func (s *setting) work(o *offer) (verify.Work, error) {
	worker, err := document.NewKey(s.worker.Public())
	if err != nil {
		return verify.Work{}, err
	}
	return verify.Work{
		Terms: o.terms, Data: s.data, Device: s.options.Devices[0], Worker: worker.ID(),
	}, nil
}

// bundle claims a trace, has the claim received and the beacon revealed, and
// opens the challenge into dir.
func (s *setting) bundle(ctx context.Context, o *offer, traceDir, dir string) error {
	tr, err := trace.Read(traceDir, o.terms.Trace())
	if err != nil {
		return err
	}
	defer tr.Close()
	claim, err := verify.Claim(o.terms, tr.Summary(), 0, s.worker)
	if err != nil {
		return err
	}
	receipt, err := verify.Receive(o.terms, claim, s.options.now(), s.operator)
	if err != nil {
		return err
	}
	revealed, err := document.Encode(o.beacon)
	if err != nil {
		return err
	}
	return verify.Answer(ctx, verify.Response{
		Terms: o.terms,
		Documents: verify.Documents{
			Job: o.jobFile, Program: s.program.JSON(), Claim: claim, Receipt: receipt, Beacon: revealed,
		},
		Trace: tr, Data: s.data, Signer: s.worker,
	}, dir)
}

// judge is the verifier's look at a bundle.
func (s *setting) judge(ctx context.Context, dir string, progress func(done, total uint64)) (*pool.Judged, error) {
	operator, err := document.NewKey(s.operator.Public())
	if err != nil {
		return nil, err
	}
	judge := pool.Judge{Operator: operator, Devices: s.options.Devices, Clock: s.options.now, Failed: s.options.Failed}
	judged := judge.Bundle(ctx, dir, progress)
	return judged, judged.Err
}
