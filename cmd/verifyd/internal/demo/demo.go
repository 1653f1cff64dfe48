package demo

import (
	"context"
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
)

// Options say where and on what the demonstration runs.
type Options struct {
	Dir     string          // folder that it makes anew
	Devices []engine.Device // as verify.Options has them; the first also trains
	Runner  program.Runner  // forges, and tries out the trained models
	// Progress returns a function to be called with how much of some work is
	// done.
	Progress func(what string) func(done, total uint64)
	// Trained is called when a model's honest claim has been judged.
	Trained func(Model)

	// Failed, if set, is told of each device that failed, on which bundle and why.
	Failed func(bundle string, d engine.Device, err error)

	// people replaces newPeople where keys must not be random.
	people func(dir string) (people, error)
	// roundKeys replaces the workers' new keys in rounds, for the same reason.
	roundKeys func(worker int) (crypto.Signer, error)
	// operator replaces the first device for the curve and for answers, where that one is slow.
	operator engine.Device
	// now replaces time.Now where two runs must say the same.
	now func() time.Time
}

// Report is what the demonstration found.
type Report struct {
	Dir        string    `json:"dir"`
	Models     []Model   `json:"models"`
	Forged     string    `json:"forged"` // name of the model whose claims are forged
	Forgeries  []Forgery `json:"forgeries"`
	Jump       *Jump     `json:"jump"`       // of the same model
	Challenges int       `json:"challenges"` // drawn for each forgery
	Seconds    float64   `json:"seconds"`
}

// Model is one honest claim: how well the model learned, and the verdict.
type Model struct {
	Name       string         `json:"name"`
	What       string         `json:"what"`
	Parameters int            `json:"parameters"`
	Steps      uint64         `json:"steps"`
	Accuracy   float64        `json:"accuracy"` // on the images kept for testing
	Loss       float32        `json:"loss"`     // of the last step
	Training   float64        `json:"trainingSeconds"`
	Verifying  float64        `json:"verifyingSeconds"`
	Verdict    verify.Verdict `json:"verdict"`
	Bundle     string         `json:"bundle"` // folder
	Proof      string         `json:"proof"`  // file
}

// Run is the whole demonstration.
func Run(ctx context.Context, o Options) (*Report, error) {
	began := time.Now()
	if err := makeFolder(o.Dir); err != nil {
		return nil, err
	}
	if o.people == nil {
		o.people = newPeople
	}
	if o.operator == nil {
		o.operator = o.Devices[0]
	}
	if o.now == nil {
		o.now = time.Now
	}
	who, err := o.people(filepath.Join(o.Dir, "keys"))
	if err != nil {
		return nil, err
	}
	report := &Report{Dir: o.Dir, Challenges: challenges}
	var earned proofs.Uint128
	var s *setting
	for _, m := range models() {
		if s, err = newSetting(ctx, o, who, m, filepath.Join(o.Dir, m.name)); err != nil {
			return nil, err
		}
		result, err := s.honest(ctx, m, &earned)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		report.Models = append(report.Models, result)
		o.Trained(result)
		report.Forged = m.name
	}
	if report.Forgeries, err = s.forge(ctx); err != nil {
		return nil, err
	}
	if report.Jump, err = s.jump(ctx); err != nil {
		return nil, fmt.Errorf("jump: %w", err)
	}
	report.Seconds = time.Since(began).Seconds()
	return report, nil
}

// honest goes through the life of an honest claim: job, training, claim,
// receipt, beacon, challenge, opening, verdict, proof.
func (s *setting) honest(ctx context.Context, m model, earned *proofs.Uint128) (Model, error) {
	result := Model{Name: m.name, What: m.what, Steps: steps}
	for _, t := range s.plan.Params() {
		result.Parameters += t.Len()
	}
	work, err := s.pool.Work(s.options.Devices[0])
	if err != nil {
		return result, err
	}
	progress := s.options.Progress("training " + m.name)
	work.Progress = func(done uint64, loss float32) {
		result.Loss = loss
		progress(done, steps)
	}
	start := time.Now()
	traceDir := filepath.Join(s.dir, "trace")
	if _, err := verify.Train(ctx, work, traceDir); err != nil {
		return result, err
	}
	result.Training = time.Since(start).Seconds()
	if result.Accuracy, err = s.test(work, traceDir); err != nil {
		return result, err
	}

	s.pool.Arrived = s.options.now()
	result.Bundle = filepath.Join(s.dir, "bundle")
	if err := s.bundle(ctx, s.pool, traceDir, result.Bundle); err != nil {
		return result, err
	}
	start = time.Now()
	judged, err := s.judge(ctx, result.Bundle, s.options.Progress("verifying "+m.name))
	if err != nil {
		return result, err
	}
	result.Verifying, result.Verdict = time.Since(start).Seconds(), *judged.Verdict
	result.Proof = filepath.Join(s.dir, "proof.json")
	return result, s.prove(judged, earned, result.Proof)
}

// test returns the accuracy of the final state: the last one that the trace
// holds, and the steps of the last segment done again.
func (s *setting) test(w verify.Work, traceDir string) (float64, error) {
	tr, err := trace.Read(traceDir, w.Terms.Trace())
	if err != nil {
		return 0, err
	}
	defer tr.Close()
	m, err := program.NewMachine(s.plan, s.options.Runner, w.Terms.Job.Seed)
	if err != nil {
		return 0, err
	}
	last := w.Terms.Job.Segments() - 1
	if _, err := tr.Snapshot(last, m.Tensors()); err != nil {
		return 0, err
	}
	order, ids := w.Terms.Job.OrderFor(w.Assignment), make([]int64, w.Terms.Rows())
	first, count := w.Terms.Job.Segment(last)
	for t := first; t < first+count; t++ {
		if err := order.Fill(t, ids); err != nil {
			return 0, err
		}
		if err := s.pool.Data.Fill(m.Rows(), ids); err != nil {
			return 0, err
		}
		if _, err := m.Gradients(t); err != nil {
			return 0, err
		}
		if _, _, err := m.Update(t); err != nil {
			return 0, err
		}
	}
	return accuracy(m, len(ids))
}

// prove signs what the verdict is worth and writes the proof and the verdict.
func (s *setting) prove(judged *pool.Judged, earned *proofs.Uint128, path string) error {
	c, err := judged.State(pool.Credit{
		Epoch: 1, Units: proofs.Uint(judged.Verdict.Finding.Steps), Cumulative: *earned,
	}, s.options.now())
	if err != nil {
		return err
	}
	*earned = c.CumulativeUnits
	proof, err := proofs.Sign(c, s.verifier)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, proof.Bytes(), 0o644); err != nil {
		return err
	}
	signed, err := judged.Verdict.Sign(s.verifier)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "verdict.json"), signed, 0o644)
}
