package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// fixtures leaves in the folder where a script starts what the scripts read
// and no command makes: signed proofs, a program, data for it with and without
// a NaN, and data for an image classifier and a language model.
func fixtures(env *testscript.Env) error {
	if err := writeProof(env); err != nil {
		return err
	}
	// A pool's bundle, statements and keys; see ../../proofs/README.md.
	if err := os.CopyFS(env.WorkDir, os.DirFS("../../proofs/testdata/example")); err != nil {
		return err
	}
	p := fixtureProgram()
	if err := os.WriteFile(filepath.Join(env.WorkDir, "program.json"), p.JSON(), 0o644); err != nil {
		return err
	}
	if err := writeAdapted(env.WorkDir, p); err != nil {
		return err
	}
	if err := writeData(filepath.Join(env.WorkDir, "nan.safetensors"), float32(math.NaN())); err != nil {
		return err
	}
	if err := writeData(filepath.Join(env.WorkDir, "data.safetensors"), 0); err != nil {
		return err
	}
	if err := writeData(filepath.Join(env.WorkDir, "bobs.safetensors"), 0.25); err != nil {
		return err
	}
	images, digits := make([]float32, samples*4*4), make([]int32, samples)
	for i := range images {
		images[i] = float32(i*i%13) / 16
	}
	err := writeRows(filepath.Join(env.WorkDir, "images.safetensors"),
		safetensors.Tensor{Name: "x", Shape: []int{samples, 1, 4, 4}, F32: images},
		safetensors.Tensor{Name: "y", Shape: []int{samples}, I32: digits})
	if err != nil {
		return err
	}
	tokens, next := make([]int32, samples*5), make([]int32, samples*5)
	for i := range tokens {
		tokens[i], next[i] = int32(i%7), int32((i+1)%7)
	}
	return writeRows(filepath.Join(env.WorkDir, "tokens.safetensors"),
		safetensors.Tensor{Name: "x", Shape: []int{samples, 5}, I32: tokens},
		safetensors.Tensor{Name: "y", Shape: []int{samples, 5}, I32: next})
}

// fixtureProgram is what program.json holds.
func fixtureProgram() program.Program {
	return program.Program{
		Version: program.Version, BatchSize: 4, Accumulation: 1,
		Graph:     program.MLP(program.MLPConfig{Inputs: 6, Hidden: []int{8}, Classes: 3}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9},
		Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.05},
	}
}

// writeAdapted writes adapted.json, a program whose layers are frozen but for an adapter, and base.safetensors, which it starts from;
// program.json may start from start.safetensors.
func writeAdapted(dir string, p program.Program) error {
	if err := writeStart(filepath.Join(dir, "start.safetensors"), p); err != nil {
		return err
	}
	p.Graph = program.LoRA(p.Graph, 2, func(name string) bool { return name == "net.2" })
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "adapted.json"), p.JSON(), 0o644),
		writeStart(filepath.Join(dir, "base.safetensors"), p))
}

// writeStart writes what a program starts from.
func writeStart(path string, p program.Program) error {
	plan, err := program.Compile(&p, kernels.ProfileF32)
	if err != nil {
		return err
	}
	var tensors [][]float32
	for i, spec := range plan.Base() {
		x := spec.Buf().F
		for k := range x {
			x[k] = float32((k*5+i)%9-4) / 16
		}
		tensors = append(tensors, x)
	}
	base, err := verify.NewBase(plan, tensors, 1)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := base.Write(&file); err != nil {
		return err
	}
	return os.WriteFile(path, file.Bytes(), 0o644)
}

// samples of each data set.
const samples = 30

// writeData writes samples of 3 classes, the first number as given.
func writeData(path string, first float32) error {
	const width = 6
	x, y := make([]float32, samples*width), make([]int32, samples)
	for i := range x {
		x[i] = float32(i*i%17)/16 - 0.5
	}
	x[0] = first
	for i := range y {
		y[i] = int32(i % 3)
	}
	return writeRows(path, safetensors.Tensor{Name: "x", Shape: []int{samples, width}, F32: x},
		safetensors.Tensor{Name: "y", Shape: []int{samples}, I32: y})
}

// writeRows writes a data set.
func writeRows(path string, tensors ...safetensors.Tensor) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := safetensors.Write(f, nil, tensors); err != nil {
		return err
	}
	return f.Close()
}

// writeProof leaves a signed proof and its verifier's key where a script
// starts: good.proof, verifier.pem and verifier.pem.pub.
func writeProof(env *testscript.Env) error {
	key, err := (keys.Keyring{}).New(filepath.Join(env.WorkDir, "verifier.pem"), keys.Verifier, keys.P256)
	if err != nil {
		return err
	}
	signed, err := proofs.Sign(proofs.Contribution{
		Audience: sha256.Sum256([]byte("urn:db:test")), Epoch: 7,
		Units: proofs.Uint(400), CumulativeUnits: proofs.Uint(500), Shapley: proofs.Int(-3),
		Verdict:      proofs.Verdict{Kind: proofs.Accepted},
		StepsClaimed: 400, StepsReplayed: 40, IssuedAt: 1_795_000_000,
	}, key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(env.WorkDir, "good.proof"), signed.Bytes(), 0o644); err != nil {
		return err
	}
	return writeBodies(env)
}

// writeBodies leaves two contributions of epoch 1 to be signed: worker.body,
// which earned 600 units, and rejected.body. Of the worker there are the same
// work in epoch 2, another slot of it, a correction, and the revocation that
// makes room for that.
func writeBodies(env *testscript.Env) error {
	c := proofs.Contribution{
		Audience: sha256.Sum256([]byte("urn:db:test")), PoolID: sha256.Sum256([]byte("test")), PolicyHash: proofs.Hash{31: 0xcc},
		Epoch: 1, WorkerID: proofs.Hash{1}, Account: proofs.Hash{31: 0xaa}, IssuedAt: 1_795_000_000,
		Verdict: proofs.Verdict{Kind: proofs.Accepted}, Units: proofs.Uint(600), CumulativeUnits: proofs.Uint(600),
	}
	rejected := c
	rejected.WorkerID, rejected.Account = proofs.Hash{2}, proofs.Hash{31: 0xbb}
	rejected.Verdict = proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
	rejected.Units, rejected.CumulativeUnits = proofs.Uint128{}, proofs.Uint128{}
	again, slot, corrected := c, c, c
	again.Epoch, again.CumulativeUnits = 2, proofs.Uint(1200)
	slot.Slot, slot.Units, slot.CumulativeUnits = 1, proofs.Uint(100), proofs.Uint(700)
	corrected.Units, corrected.CumulativeUnits = proofs.Uint(500), proofs.Uint(500)
	wrong, err := proofs.Encode(c)
	if err != nil {
		return err
	}
	revocation := proofs.Revocation{
		Audience: c.Audience, PoolID: c.PoolID, Epoch: 1, Target: sha256.Sum256(wrong), TargetKind: 1, SignerSet: 1, IssuedAt: c.IssuedAt,
	}
	for name, s := range map[string]proofs.Statement{
		"worker.body": c, "rejected.body": rejected, "again.body": again, "slot.body": slot, "corrected.body": corrected, "revocation.body": revocation,
	} {
		body, err := proofs.Encode(s)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}
