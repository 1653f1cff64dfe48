package demo

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// course is a training in rounds.
type course struct {
	people
	options    Options
	program    *program.Program
	plan       *program.Plan
	base       *verify.Base // of the round
	index      uint64       // of the round
	workers    []crypto.Signer
	data       []*job.Dataset // of the workers
	validation *job.Dataset
}

// attempt is what a worker does in a round.
type attempt struct {
	name, what string
	pool       *verifytest.Pool
	trace      string
	verdict    *verify.Verdict
}

var roundWorkers = [...]string{"alice", "bob", "carol", "rider", "forger"}

// newCourse has the five workers' keys and data, and draws the first base.
func newCourse(o Options) (c *course, err error) {
	c = &course{options: o, program: &program.Program{
		Version: program.Version, BatchSize: 32, Accumulation: 1,
		Graph:     program.MLP(program.MLPConfig{Inputs: digits.Pixels, Hidden: []int{48}, Classes: digits.Classes}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9, Nesterov: true},
		Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.05},
	}}
	if c.plan, err = program.Compile(c.program, kernels.ProfileF32); err != nil {
		return nil, err
	}
	folder := filepath.Join(o.Dir, "keys")
	if c.people, err = o.people(folder); err != nil {
		return nil, err
	}
	for i, name := range roundWorkers {
		key, err := o.roundKey(folder, name, i)
		if err != nil {
			return nil, err
		}
		data, err := images(c.plan, i%honestOnes*ownImages, (i%honestOnes+1)*ownImages)
		if err != nil {
			return nil, err
		}
		c.workers, c.data = append(c.workers, key), append(c.data, data)
	}
	if c.validation, err = images(c.plan, honestOnes*ownImages, digits.Trained); err != nil {
		return nil, err
	}
	m, err := program.NewMachine(c.plan, o.Runner, 0)
	if err != nil {
		return nil, err
	}
	if err := m.Init(1); err != nil {
		return nil, err
	}
	if c.base, err = verify.NewBase(c.plan, m.Tensors()[:len(c.plan.Params())], 1); err != nil {
		return nil, err
	}
	return c, writeStart(filepath.Join(o.Dir, "start.safetensors"), c.base)
}

// roundKey is a worker's key: a new one, or one for tests whose runs must be the same.
func (o *Options) roundKey(folder, name string, i int) (crypto.Signer, error) {
	if o.roundKeys != nil {
		return o.roundKeys(i)
	}
	return (keys.Keyring{}).New(filepath.Join(folder, name+".pem"), keys.Worker, keys.P256)
}

// offer is the job of the round for a worker.
func (c *course) offer(ctx context.Context, worker int, data *job.Dataset, steps uint64) (*verifytest.Pool, error) {
	return verifytest.NewPool(ctx, verifytest.Setting{
		Operator: c.operator, Worker: c.workers[worker], Program: c.program, Data: data, Measured: c.validation, Device: c.options.operator, Base: c.base,
		Arrived: c.options.now(), Secret: beaconValue(c.index), Order: sha256.Sum256([]byte{byte(worker), byte(c.index)}),
		Job: func(j *job.Job) {
			manifest(j)
			j.Steps, j.Stride, j.Sampled = steps, roundStride, job.Exactly(2)
			j.Data.Own = &job.Own{Least: 100, Most: digits.Count}
		},
	})
}

// claims are those of a round, with the verdicts on them. All are on one job.
func (c *course) claims(ctx context.Context) (all []*attempt, err error) {
	progress := c.options.Progress(fmt.Sprintf("round %d", c.index))
	if err := os.Mkdir(filepath.Join(c.options.Dir, fmt.Sprintf("work%d", c.index)), 0o755); err != nil {
		return nil, err
	}
	for i, name := range roundWorkers {
		progress(uint64(i), uint64(len(roundWorkers)))
		w := &attempt{name: name, what: "trained on its own images", trace: filepath.Join(c.options.Dir, fmt.Sprintf("work%d", c.index), name)}
		if w.pool, err = c.offer(ctx, i, c.data[i], roundSteps); err != nil {
			return nil, err
		}
		if err := c.work(ctx, w, i, all); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if w.verdict, err = c.judged(ctx, w); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, w)
	}
	progress(uint64(len(roundWorkers)), uint64(len(roundWorkers)))
	return all, nil
}

// work leaves a worker's trace.
func (c *course) work(ctx context.Context, w *attempt, i int, others []*attempt) (err error) {
	always := func(uint64) bool { return true }
	switch {
	case i < honestOnes:
		_, err = w.pool.Train(ctx, c.options.Devices[0], w.trace)
	case i == honestOnes && c.index%2 == 1:
		w.what, w.trace = "handed in alice's trace as its own", others[0].trace
	case i == honestOnes:
		w.what = "handed in the base as it was"
		_, err = w.pool.Forge(ctx, c.options.Runner, verifytest.SkipUpdate(always), w.trace)
	default:
		w.what = "added to a weight after each step"
		_, err = w.pool.Forge(ctx, c.options.Runner, verifytest.Cheat{State: func(_ uint64, m *program.Machine) { m.Tensors()[0][0] += 0.25 }}, w.trace)
	}
	return err
}

// judged is the verifier's look at a claim.
func (c *course) judged(ctx context.Context, w *attempt) (*verify.Verdict, error) {
	bundle := filepath.Join(c.options.Dir, fmt.Sprintf("bundles%d", c.index), w.name)
	if err := w.pool.Bundle(ctx, w.trace, bundle); err != nil {
		return nil, err
	}
	operator, err := document.NewKey(c.operator.Public())
	if err != nil {
		return nil, err
	}
	verifier, err := document.NewKey(c.verifier.Public())
	if err != nil {
		return nil, err
	}
	judge := pool.Judge{Operator: operator, Verifier: verifier.ID(), Devices: c.options.Devices, Clock: c.options.now, Failed: c.options.Failed}
	found := judge.Bundle(ctx, bundle, nil)
	return found.Verdict, found.Err
}

// alone is the accuracy of one worker who has the images of all and does as many steps as each of them in all rounds.
func (c *course) alone(ctx context.Context) (float64, error) {
	all, err := images(c.plan, 0, honestOnes*ownImages)
	if err != nil {
		return 0, err
	}
	w := &attempt{trace: filepath.Join(c.options.Dir, "alone")}
	if w.pool, err = c.offer(ctx, 0, all, roundCount*roundSteps); err != nil {
		return 0, err
	}
	if _, err := w.pool.Train(ctx, c.options.Devices[0], w.trace); err != nil {
		return 0, err
	}
	final, err := readFinal(w)
	if err != nil {
		return 0, err
	}
	return c.accuracy(final)
}
