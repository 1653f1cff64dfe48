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
	workerKey, err := document.NewKey(worker.Public())
	if err != nil {
		return nil, err
	}

	device := engine.NewCPU("cpu", cpu, cpu.Threads())
	docs, terms, err := announce(ctx, m, data, operator, device)
	if err != nil {
		return nil, err
	}
	work := verify.Work{Terms: terms, Data: data, Device: device, Worker: workerKey.ID(), Slot: 0}
	summary, err := verify.Train(ctx, work, filepath.Join(dir, "trace"))
	if err != nil {
		return nil, err
	}
	if docs.Claim, err = verify.Claim(terms, summary, 0, worker); err != nil {
		return nil, err
	}
	if docs.Receipt, err = verify.Receive(terms, docs.Claim, time.Now(), operator); err != nil {
		return nil, err
	}
	read, err := trace.Read(filepath.Join(dir, "trace"), terms.Trace())
	if err != nil {
		return nil, err
	}
	defer read.Close()
	answer := verify.Response{Terms: terms, Documents: docs, Trace: read, Data: data, Signer: worker}
	return b, verify.Answer(ctx, answer, b.dir)
}

// announce makes the operator's documents: a job of two segments of two steps, one of them drawn, and its beacon.
func announce(ctx context.Context, m model, data *job.Dataset, operator *ecdsa.PrivateKey, device engine.Device) (docs verify.Documents, terms *verify.Terms, err error) {
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return docs, nil, err
	}
	root, err := verify.InitRoot(ctx, &m.program, kernels.ProfileF32, 1, device)
	if err != nil {
		return docs, nil, err
	}
	chain, public := beacon.NewFixed([32]byte{1})
	docs.Program = m.program.JSON()
	docs.Job, err = job.Sign(job.Job{
		Version: job.Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Operator: key, Pool: merkle.Hash{1}, Audience: merkle.Hash{2}, Policy: merkle.Hash{3},
		Program: m.program.Digest(),
		Data:    job.Data{Root: data.Tree().Root(), Samples: uint64(data.Samples())},
		Order:   job.OrderRule{Rule: job.Rule, Seed: merkle.Hash{4}},
		Init:    job.Init{Root: root, Seed: 1},
		Seed:    2, Steps: 4, Stride: 2, Slots: 1, Sampled: 1,
		Beacon: chain, Delay: 6, Deadline: 3600,
	}, operator)
	if err != nil {
		return docs, nil, err
	}
	if docs.Beacon, err = document.Encode(public); err != nil {
		return docs, nil, err
	}
	terms, err = verify.Accept(docs.Job, docs.Program, key)
	return docs, terms, err
}

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
