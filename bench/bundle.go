package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// bundle is an honest claim with its opening, ready for `verifyd verify`.
type bundle struct {
	dir      string
	operator string // file of the operator's public key
	plan     *program.Plan
}

// makeBundle trains the model for a few steps in a folder of its own under dir and goes through the protocol.
func makeBundle(ctx context.Context, m model, cpu *kernels.CPU, dir string) (*bundle, error) {
	dir = filepath.Join(dir, m.name+"-claim")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	t, err := newTrainer(m, cpu)
	if err != nil {
		return nil, err
	}
	data, err := job.NewDataset(t.plan.X(), t.machine.X(), t.plan.Y(), t.machine.Y())
	if err != nil {
		return nil, err
	}
	operator, worker, err := newKeys()
	if err != nil {
		return nil, err
	}
	b := &bundle{dir: filepath.Join(dir, "bundle"), operator: filepath.Join(dir, "operator.pem"), plan: t.plan}
	if err := writePublic(b.operator, operator); err != nil {
		return nil, err
	}

	device := engine.NewCPU("cpu", cpu, cpu.Threads())
	pool, err := verifytest.NewPool(ctx, verifytest.Setting{
		Operator: operator, Worker: worker, Program: &m.program, Data: data, Device: device, Arrived: time.Now(),
		Job: twoSegments,
	})
	if err != nil {
		return nil, err
	}
	traced := filepath.Join(dir, "trace")
	if _, err := pool.Train(ctx, device, traced); err != nil {
		return nil, err
	}
	return b, pool.Bundle(ctx, traced, b.dir)
}

// twoSegments makes a job one of two segments of two steps, one of them drawn.
func twoSegments(j *job.Job) { j.Steps, j.Stride, j.Slots, j.Sampled = 4, 2, 1, job.Exactly(1) }

func newKeys() (operator, worker *ecdsa.PrivateKey, err error) {
	if operator, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	worker, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return operator, worker, err
}

// writePublic writes a public key as PEM.
func writePublic(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}
