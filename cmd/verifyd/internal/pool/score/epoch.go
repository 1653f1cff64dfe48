package score

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/proofs/spent"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Judged is a verdict with the terms of the job that it is on.
type Judged struct {
	File    string // for messages
	Verdict *verify.Verdict
	Terms   *verify.Terms
}

// Epoch is all that one epoch's score rests on. Values, Roster and Earned may
// be nil.
type Epoch struct {
	Number uint64
	Policy *policy.Policy
	Judged []Judged
	Values *Values
	Roster *Roster
	Earned *Earned
	Issued time.Time
	// Records, by worker, are what Settle found: they decide what is paid of the claims that their jobs hold.
	Records map[merkle.Hash]*Record
	Spent   *spent.Book // what was paid before; nil if that is not known
	claims  []policy.Measurement
	entries map[id]*entry
	held    map[id]Held
}

// id is what makes a claim one.
type id struct {
	worker, task proofs.Hash
	slot         uint32
}

type entry struct {
	statement proofs.Contribution
	work      proofs.Uint128
}

// Statement is an award with the contribution to be signed for it.
type Statement struct {
	policy.Award
	Reason       string // name under the policy, "" for none
	Work         proofs.Uint128
	Contribution proofs.Contribution
}

// Result is an epoch's outcome.
type Result struct {
	PolicyHash proofs.Hash
	Statements []Statement // in the order of worker, task and slot
	Total      proofs.Uint128
	Dust       proofs.Uint128
	Earned     *Earned // all totals after the epoch, dust included
	Held       []Held  // claims that are stated in a later epoch, in the same order
}

// Score scores the epoch.
func (e *Epoch) Score() (*Result, error) {
	hash, err := e.Policy.Hash()
	if err != nil {
		return nil, err
	}
	if e.Policy.Caps.Owner != nil && e.Roster == nil {
		return nil, errors.New("policy: field caps.owner: a cap for owners needs a roster")
	}
	if err := e.gather(hash); err != nil {
		return nil, err
	}
	if err := e.value(); err != nil {
		return nil, err
	}
	sheet, err := policy.Score(e.Policy, e.claims)
	if err != nil {
		return nil, err
	}
	return e.state(hash, sheet)
}

// gather makes a claim of each verdict.
func (e *Epoch) gather(hash proofs.Hash) error {
	e.entries, e.claims, e.held = make(map[id]*entry, len(e.Judged)), nil, make(map[id]Held)
	listed := make(map[proofs.Hash]Listed)
	if e.Roster != nil {
		for _, w := range e.Roster.Workers {
			listed[w.Worker.Hash] = w
		}
	}
	for _, j := range e.Judged {
		f, t := j.Verdict.Finding, j.Terms
		if err := j.with(e.Judged[0].Terms.Job); err != nil {
			return err
		}
		switch {
		case f.Job != t.Digest:
			return fmt.Errorf("%s: on job %s, which was not given", j.File, f.Job)
		case proofs.Hash(t.Job.Policy) != hash:
			return fmt.Errorf("%s: job %s was offered under policy %s, not %s", j.File, f.Job, proofs.Hash(t.Job.Policy), hash)
		}
		name := id{proofs.Hash(f.Worker), proofs.Hash(f.Job), f.Slot}
		if _, held := e.held[name]; held || e.entries[name] != nil {
			return fmt.Errorf("%s: a second verdict on worker %s, job %s and slot %d: one proof stands for the three", j.File, f.Worker, f.Job, f.Slot)
		}
		w := listed[name.worker]
		account := w.Account.Hash
		if account == (proofs.Hash{}) {
			account = name.worker
		}
		if account == e.Policy.Dust.Hash {
			return fmt.Errorf("%s: worker %s is paid to the dust account, which only rounding may credit", j.File, f.Worker)
		}
		statement, err := pool.State(j.Verdict, t, pool.Credit{Epoch: e.Number, Account: account}, e.Issued)
		if err != nil {
			return fmt.Errorf("%s: %w", j.File, err)
		}
		now, err := e.standing(&j, statement.Verdict)
		if err != nil {
			return fmt.Errorf("%s: %w", j.File, err)
		}
		if !now.paid && now.void == nil {
			e.held[name] = Held{
				Worker: name.worker, Task: name.task, Slot: name.slot, Account: account, Verdict: statement.Verdict,
				Judged: now.count, Of: t.Job.Hold, Until: now.until, Waits: now.waits,
			}
			continue
		}
		work := pool.Work(t).Uint128
		e.entries[name] = &entry{statement, work}
		e.claims = append(e.claims, policy.Measurement{
			Worker: name.worker, Task: name.task, Slot: name.slot, Owner: w.Owner.Hash, Verdict: statement.Verdict, Beacon: statement.Beacon,
			Work: work, Void: now.void != nil,
		})
	}
	return nil
}

// with refuses a verdict on a job of another pool, or for another ledger, than the first.
func (j *Judged) with(first *job.Job) error {
	if of := j.Terms.Job; of.Pool != first.Pool || of.Audience != first.Audience {
		return fmt.Errorf("%s: job %s is of another pool or for another ledger than the first", j.File, j.Terms.Digest)
	}
	return nil
}

// value adds to the claims what the valuer measured.
func (e *Epoch) value() error {
	if e.Values == nil {
		return nil
	}
	if e.Values.Validation != e.Policy.Validation {
		return fmt.Errorf("values: validation: measured on %s, the policy names %s", e.Values.Validation, e.Policy.Validation)
	}
	values := make(map[id]*Value, len(e.Values.Values))
	for i := range e.Values.Values {
		v := &e.Values.Values[i]
		name := id{v.Worker.Hash, v.Task.Hash, v.Slot}
		if _, held := e.held[name]; !held && e.entries[name] == nil {
			return fmt.Errorf("values: worker %s, task %s, slot %d: there is no verdict on it", v.Worker, v.Task, v.Slot)
		}
		values[name] = v
	}
	for i := range e.claims {
		c := &e.claims[i]
		if v := values[id{c.Worker, c.Task, c.Slot}]; v != nil {
			c.Improvement, c.Value, c.StdErr = v.Improvement.Int128, v.Value.Int128, v.StdErr.Uint128
			c.Quality, c.Withheld = v.Quality, v.Withheld
			s := &e.entries[id{c.Worker, c.Task, c.Slot}].statement
			s.Shapley, s.StdErr = c.Value, c.StdErr
		}
	}
	return nil
}

// state makes the contributions, each with its account's total so far.
func (e *Epoch) state(hash proofs.Hash, sheet *policy.Sheet) (*Result, error) {
	totals := make(map[proofs.Hash]proofs.Uint128)
	if e.Earned != nil {
		for _, t := range e.Earned.Accounts {
			totals[t.Account.Hash] = t.Units.Uint128
		}
	}
	credit := func(account proofs.Hash, units proofs.Uint128) (proofs.Uint128, error) {
		total, ok := totals[account].Add(units)
		if !ok {
			return total, fmt.Errorf("account %s: %s and %s are more than 2^128-1", account, totals[account], units)
		}
		totals[account] = total
		return total, nil
	}
	r := &Result{PolicyHash: hash, Total: sheet.Total, Dust: sheet.Dust, Held: e.allHeld()}
	for _, a := range sheet.Awards {
		found := e.entries[id{a.Worker, a.Task, a.Slot}]
		c := found.statement
		c.Units, c.Verdict = a.Units, a.Verdict
		adds, err := e.owed(c)
		if err != nil {
			return nil, err
		}
		if c.CumulativeUnits, err = credit(c.Account, adds); err != nil {
			return nil, err
		}
		r.Statements = append(r.Statements, Statement{
			Award: a, Reason: e.Policy.ReasonName(a.Verdict), Work: found.work, Contribution: c,
		})
	}
	if _, err := credit(e.Policy.Dust.Hash, sheet.Dust); err != nil {
		return nil, err
	}
	r.Earned = &Earned{Version: EarnedVersion, Accounts: make([]Total, 0, len(totals))}
	for account, units := range totals {
		r.Earned.Accounts = append(r.Earned.Accounts, Total{policy.Hash{Hash: account}, policy.Uint{Uint128: units}})
	}
	slices.SortFunc(r.Earned.Accounts, func(a, b Total) int { return bytes.Compare(a.Account.Hash[:], b.Account.Hash[:]) })
	return r, nil
}
