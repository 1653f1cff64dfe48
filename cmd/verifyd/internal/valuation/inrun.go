package valuation

import (
	"context"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/inrun"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
)

// Replay is a claim whose steps are all replayed to value the samples that they used.
type Replay struct {
	Terms      *verify.Terms
	Assignment job.Assignment // of the claim
	Claim      trace.Claim
	Data       *job.Dataset
	X, Y       kernels.Buf // validation rows
	Order      int         // of the values, 1 or 2
	Rows       int         // validation rows of a step; 0 is all
	Owners     []int       // of each sample, from 0; nil values samples
	OwnerCount int
	CPU        *kernels.CPU
	Threads    int // that hash the last state
	Progress   func(done, total uint64)
}

// RunValues are what samples, or their owners, were worth for the validation loss, in 1e-9.
type RunValues struct {
	Values   []int64     `json:"values"`
	Moved    int64       `json:"moved"` // see inrun.Values, as the next
	Residual int64       `json:"residual"`
	Final    merkle.Hash `json:"final"` // root of the state after the last step: that of the claim
}

// Values runs all steps of the claim and values their samples. It fails if the last state is not the one claimed:
// then the values would be those of another run.
func (r *Replay) Values(ctx context.Context) (*RunValues, error) {
	j := r.Terms.Job
	if err := r.Terms.CheckData(&r.Assignment, r.Data); err != nil {
		return nil, err
	}
	if j.Init.Base != nil || j.Init.Final != nil {
		return nil, fault.New(fault.Unsupported, "job", "init", "begins with a file: values within a run are those of trainings that a seed begins")
	}
	m, err := program.NewMachine(r.Terms.Plan, r.CPU, j.Seed)
	if err != nil {
		return nil, err
	}
	if err := m.Init(j.Init.Seed); err != nil {
		return nil, err
	}
	a, err := inrun.New(inrun.Config{
		Program: r.Terms.Program(), Profile: j.Profile, Seed: j.Seed, Runner: r.CPU, X: r.X, Y: r.Y, Samples: r.Data.Samples(), Order: r.Order, Rows: r.Rows,
	})
	if err != nil {
		return nil, err
	}
	if err := r.steps(ctx, m, a); err != nil {
		return nil, err
	}
	serves, err := document.Digest(job.AssignmentKind, r.Assignment)
	if err != nil {
		return nil, err
	}
	v := &RunValues{Final: state.NewHasher(r.Terms.State(), r.Threads).Root(r.Terms.Counters(j.Steps, serves), m.Tensors())}
	if v.Final != r.Claim.Final {
		return nil, fmt.Errorf("claim: final: %v, the replay ends in %v: the claim does not hold", r.Claim.Final, v.Final)
	}
	all, err := a.Values(m)
	if err != nil {
		return nil, err
	}
	v.Values, v.Moved, v.Residual = all.Samples, all.Moved, all.Residual
	if r.Owners != nil {
		v.Values, err = a.Owners(r.Owners, r.OwnerCount)
	}
	return v, err
}

// steps replays all steps of the job on m, in the order of the assignment.
func (r *Replay) steps(ctx context.Context, m *program.Machine, a *inrun.Accumulator) error {
	order := r.Terms.Job.OrderFor(r.Assignment)
	ids, samples := make([]int64, r.Terms.Rows()), make([]int, r.Terms.Rows())
	for t := range r.Terms.Job.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := order.Fill(t, ids); err != nil {
			return err
		}
		if err := r.Data.Fill(m.Rows(), ids); err != nil {
			return err
		}
		for i, id := range ids {
			samples[i] = int(id)
		}
		if _, err := a.Step(t, m, samples); err != nil {
			return fmt.Errorf("step %d: %w", t, err)
		}
		if _, _, err := m.Update(t); err != nil {
			return fmt.Errorf("step %d: %w", t, err)
		}
		if r.Progress != nil {
			r.Progress(t+1, r.Terms.Job.Steps)
		}
	}
	return nil
}
