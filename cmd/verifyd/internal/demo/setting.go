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
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
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
	plan    *program.Plan
	pool    *verifytest.Pool // as claims first arrive
}

// newSetting writes a model's data into dir and publishes the job.
func newSetting(ctx context.Context, o Options, p people, m model, dir string) (*setting, error) {
	s := &setting{people: p, options: o, dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	if s.plan, err = program.Compile(&m.program, kernels.ProfileF32); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "data.safetensors")
	if err := writeData(file, s.plan); err != nil {
		return nil, err
	}
	data, err := job.ReadDataset(file, 1<<20)
	if err != nil {
		return nil, err
	}
	s.pool, err = verifytest.NewPool(ctx, verifytest.Setting{
		Operator: p.operator, Worker: p.worker, Program: &m.program, Data: data, Device: o.operator,
		Arrived: o.now(), Secret: beaconValue(1), Order: sha256.Sum256([]byte("verifyd demo order")), Whole: true, Job: manifest,
	})
	return s, err
}

// manifest fills in the demonstration's job.
func manifest(j *job.Job) {
	j.Pool = sha256.Sum256([]byte("verifyd demo"))
	j.Audience = sha256.Sum256([]byte("urn:verifyd:demo"))
	j.Policy = sha256.Sum256([]byte(policy))
	j.Init.Seed, j.Seed = 1, 2
	j.Steps, j.Stride, j.Slots, j.Sampled = steps, stride, 1, job.Exactly(sampled)
	j.Delay = 0
}

// beaconValue is the value of the fixed beacon of a number.
func beaconValue(number uint64) merkle.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("verifyd demo beacon"), number))
}

// bundle claims a trace of an offer, has the claim received, and opens the challenge into dir.
func (s *setting) bundle(ctx context.Context, offer *verifytest.Pool, traceDir, dir string) error {
	return offer.Bundle(ctx, traceDir, dir)
}

// judge is the verifier's look at a bundle.
func (s *setting) judge(ctx context.Context, dir string, progress func(done, total uint64)) (*pool.Judged, error) {
	operator, err := document.NewKey(s.operator.Public())
	if err != nil {
		return nil, err
	}
	verifier, err := document.NewKey(s.verifier.Public())
	if err != nil {
		return nil, err
	}
	judge := pool.Judge{
		Operator: operator, Verifier: verifier.ID(), Devices: s.options.Devices, Clock: s.options.now, Failed: s.options.Failed,
	}
	judged := judge.Bundle(ctx, dir, progress)
	return judged, judged.Err
}
