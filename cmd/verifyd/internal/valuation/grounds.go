package valuation

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Jobs are the terms of claims, by the job's digest.
type Jobs map[merkle.Hash]*verify.Terms

// List makes the list of claims of jobs, under a policy, frozen at a Unix time. Everything but the way to the values
// follows from what is given. Assignments are those of the claims, which say whose data they read where these are the workers' own;
// without such a job there may be none. Owners says whose workers are, by key id; one that it does not have is its own.
func List(jobs Jobs, p *policy.Policy, way Way, claims, assignments [][]byte, owners map[merkle.Hash]merkle.Hash, frozen int64) (*Claims, error) {
	hash, err := p.Hash()
	if err != nil {
		return nil, err
	}
	list := &Claims{Version: ClaimsVersion, Policy: merkle.Hash(hash), Validation: merkle.Hash(p.Validation.Hash), Way: way, Frozen: frozen}
	for i, file := range claims {
		c, digest, err := trace.ReadClaim(verify.ClaimFile, file)
		if err != nil {
			return nil, fmt.Errorf("claims[%d]: %w", i, err)
		}
		t := jobs[c.Job]
		if t == nil {
			return nil, fmt.Errorf("claims[%d]: on job %v, which was not given", i, c.Job)
		}
		if _, _, err := t.ReadClaim(file); err != nil {
			return nil, fmt.Errorf("claims[%d]: %w", i, err)
		}
		if i == 0 {
			j := t.Job
			list.Pool, list.Audience, list.Program, list.Base, list.Beacon = j.Pool, j.Audience, j.Program, j.Init.Root, j.Beacon
		}
		list.Delay = max(list.Delay, delayOf(t))
		l := Listed{Claim: digest, Job: c.Job, Worker: c.Worker.ID(), Owner: c.Worker.ID(), Slot: c.Slot, Final: c.Final}
		if t.Job.Data.Own != nil {
			if l.Data, err = dataOf(t, &l, assignments, i); err != nil {
				return nil, fmt.Errorf("claims[%d]: %w", i, err)
			}
		}
		if owner, ok := owners[l.Worker]; ok {
			l.Owner = owner
		}
		list.Claims = append(list.Claims, l)
	}
	rows, err := list.rows(jobs)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		list.Claims[i].Rows = rows[i]
	}
	return list, list.fits(jobs, p)
}

// dataOf is the data that a claim was assigned with.
func dataOf(t *verify.Terms, l *Listed, assignments [][]byte, i int) (*job.Set, error) {
	if i >= len(assignments) || assignments[i] == nil {
		return nil, fmt.Errorf("the data are the worker's own: its assignment is needed")
	}
	a, _, err := t.ReadAssignment(assignments[i])
	if err != nil {
		return nil, err
	}
	if a.Worker != l.Worker || a.Slot != l.Slot {
		return nil, fmt.Errorf("the assignment is of worker %v, slot %d", a.Worker, a.Slot)
	}
	return a.Data, nil
}

// rows are the weights of the claims: every row of a data set counts once, whoever read it.
func (c *Claims) rows(jobs Jobs) ([]uint64, error) {
	sources, sizes, samples := make([]merkle.Hash, len(c.Claims)), make([]uint64, len(c.Claims)), map[merkle.Hash]uint64{}
	for i, l := range c.Claims {
		t := jobs[l.Job]
		if t == nil {
			return nil, fmt.Errorf("claims[%d]: on job %v, which was not given", i, l.Job)
		}
		if err := t.Job.Takes(l.Data); err != nil {
			return nil, fmt.Errorf("claims[%d]: %w", i, err)
		}
		data := t.Job.DataFor(&job.Assignment{Data: l.Data})
		sources[i], sizes[i] = data.Root, rowsOf(t, data)
		samples[data.Root] = max(samples[data.Root], data.Samples)
	}
	return robust.Once(sources, sizes, func(root merkle.Hash) uint64 { return samples[root] })
}

// rowsOf is the number of different rows that a claim's steps read: an epoch has each of them once.
func rowsOf(t *verify.Terms, data job.Set) uint64 {
	return min(data.Samples, t.Job.Steps*uint64(t.Rows()))
}

func delayOf(t *verify.Terms) uint32 { return max(minDelay, t.Job.Delay) }

// fits refuses a list that says of its claims' jobs, or of the policy, what is not so.
func (c *Claims) fits(jobs Jobs, p *policy.Policy) error {
	hash, err := p.Hash()
	if err != nil {
		return err
	}
	switch {
	case c.Policy != merkle.Hash(hash):
		return fmt.Errorf("policy: %v, the policy given is %v", c.Policy, merkle.Hash(hash))
	case p.Validation.Hash == (proofs.Hash{}):
		return fmt.Errorf("policy: it names no validation set, so that no rows are the ones to value on")
	case c.Validation != merkle.Hash(p.Validation.Hash):
		return fmt.Errorf("validation: %v, the policy names %v", c.Validation, merkle.Hash(p.Validation.Hash))
	}
	if by := p.Metrics.Value.By; by != nil {
		if want := (Way{Estimator: by.Estimator, Budget: int(by.Budget), Level: c.Way.Level, Fair: by.Fair, Rows: by.Rows}); c.Way != want {
			return fmt.Errorf("way: the policy asks for %s, and no other parameter but the level of intervals", by)
		}
	}
	rows, err := c.rows(jobs)
	if err != nil {
		return err
	}
	delay := uint32(0)
	for i, l := range c.Claims {
		t := jobs[l.Job]
		j := t.Job
		delay = max(delay, delayOf(t))
		switch {
		case j.Pool != c.Pool:
			return fmt.Errorf("claims[%d]: job %v is of pool %v, the list of %v", i, l.Job, j.Pool, c.Pool)
		case j.Audience != c.Audience:
			return fmt.Errorf("claims[%d]: job %v is for ledger %v, the list for %v", i, l.Job, j.Audience, c.Audience)
		case j.Policy != c.Policy:
			return fmt.Errorf("claims[%d]: job %v was offered under policy %v, not %v", i, l.Job, j.Policy, c.Policy)
		case j.Program != c.Program:
			return fmt.Errorf("claims[%d]: job %v trains program %v, the list values %v", i, l.Job, j.Program, c.Program)
		case j.Init.Root != c.Base:
			return fmt.Errorf("claims[%d]: job %v begins with state %v, the list with %v", i, l.Job, j.Init.Root, c.Base)
		case !sameChain(j.Beacon, c.Beacon):
			return fmt.Errorf("claims[%d]: job %v has another beacon than the list", i, l.Job)
		case l.Rows != rows[i]:
			return fmt.Errorf("claims[%d].rows: %d, the steps of job %v read %d", i, l.Rows, l.Job, rows[i])
		}
	}
	if c.Delay != delay {
		return fmt.Errorf("delay: %d seconds, the jobs ask for %d", c.Delay, delay)
	}
	return nil
}

func sameChain(a, b beacon.Chain) bool {
	if a.Commitment == nil || b.Commitment == nil {
		return a == b
	}
	return a.Name == b.Name && *a.Commitment == *b.Commitment
}

// Bind refuses a list that is not what was judged: every claim of it must have passed, as the worker's, with the state
// that the list names, in jobs of its pool and under its policy. The round must be later than those that the claims were
// challenged with, which are older than any verdict.
func (c *Claims) Bind(jobs Jobs, p *policy.Policy, verdicts []*verify.Verdict) error {
	if err := c.fits(jobs, p); err != nil {
		return err
	}
	judged := make(map[merkle.Hash]*verify.Finding, len(verdicts))
	for _, v := range verdicts {
		f := &v.Finding
		if before := judged[f.Claim]; before != nil && before.Outcome != f.Outcome {
			return fmt.Errorf("verdicts: %s and %s on claim %v", before.Outcome, f.Outcome, f.Claim)
		}
		judged[f.Claim] = f
	}
	for i, l := range c.Claims {
		f := judged[l.Claim]
		switch {
		case f == nil:
			return fmt.Errorf("claims[%d]: there is no verdict on claim %v", i, l.Claim)
		case f.Outcome != verify.Pass:
			return fmt.Errorf("claims[%d]: the verdict on claim %v is %s", i, l.Claim, f.Outcome)
		case f.Worker != l.Worker:
			return fmt.Errorf("claims[%d].worker: %v, claim %v is by %v", i, l.Worker, l.Claim, f.Worker)
		case f.Job != l.Job:
			return fmt.Errorf("claims[%d].job: %v, claim %v is on %v", i, l.Job, l.Claim, f.Job)
		case f.Slot != l.Slot:
			return fmt.Errorf("claims[%d].slot: %d, claim %v is for %d", i, l.Slot, l.Claim, f.Slot)
		case (f.Data == nil) != (l.Data == nil) || f.Data != nil && *f.Data != *l.Data:
			return fmt.Errorf("claims[%d].data: not those that claim %v was judged on", i, l.Claim)
		case f.Final != l.Final:
			return fmt.Errorf("claims[%d].final: %v, what was judged is %v", i, l.Final, f.Final)
		case c.Beacon.Name != beacon.Fixed && f.Round >= c.Round():
			return fmt.Errorf("frozen: its round %d is not later than %d, which challenged claim %v: the list is back-dated", c.Round(), f.Round, l.Claim)
		}
	}
	return nil
}
