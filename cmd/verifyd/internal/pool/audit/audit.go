// Package audit reads a transparency log from its beginning and names what its operator must not have done: given twice
// what there is one of, ever; dated what it signed as it suits; or had another contribution signed for work that was
// counted already.
//
// It holds the operator to its own word, and to that of witnesses: whatever a job's operator signed about time must not
// contradict what it signed in an earlier entry, nor the time of a cosignature. A stranger's signature says nothing
// about the operator, and is counted and passed over. Who signed a contribution is for its ledger to ask.
//
// An audit shows what is in this log. That there is no other, that nothing was kept out of it, and what time it was
// where no witness cosigned, it cannot show.
package audit

import (
	"context"
	"iter"
	"time"

	"github.com/verifyd/verifyd/proofs/translog"
)

// Rule is what an entry breaks.
type Rule string

// The rules.
const (
	SecondRegistration Rule = "second-registration" // of a job, worker and slot
	SecondAssignment   Rule = "second-assignment"   // of a job, worker and slot
	SecondReceipt      Rule = "second-receipt"      // of a job, worker and slot
	SecondOpening      Rule = "second-opening"      // receipt of a claim's opening
	SecondList         Rule = "second-list"         // of claims that are valued, which shares a claim with another one
	SecondBody         Rule = "second-body"         // of a nullifier whose first one was not revoked
	BackDated          Rule = "back-dated"          // before a time that an earlier entry has
	PostDated          Rule = "post-dated"          // after a witness saw it
	LateRegistration   Rule = "late-registration"   // entered when the beacon that gives its seed was known
	LateReceipt        Rule = "late-receipt"        // entered when the beacon that challenges its claim was known
	LateOpening        Rule = "late-opening"        // arrived or entered after the deadline
	Unlogged           Rule = "unlogged"            // rests on a document that no earlier entry holds
	NeedlessRenewal    Rule = "needless-renewal"    // of a receipt that the job's witnesses saw in time
)

// Finding is an entry that breaks a rule.
type Finding struct {
	Rule  Rule  `json:"rule"`
	Entry int64 `json:"entry,string"`
	// Against is the entry that it contradicts; -1 where there is none.
	Against int64  `json:"against,string"`
	Reason  string `json:"reason"`
}

// Report is what an audit read and found.
type Report struct {
	Entries       int64 `json:"entries,string"`
	Jobs          int   `json:"jobs"`
	Registrations int   `json:"registrations"`
	Assignments   int   `json:"assignments"`
	Receipts      int   `json:"receipts"`
	Openings      int   `json:"openings"`
	Lists         int   `json:"lists"` // of claims that are valued together
	Contributions int   `json:"contributions"`
	Revocations   int   `json:"revocations"`
	Other         int   `json:"other"`   // entries that no rule is about
	Foreign       int   `json:"foreign"` // not signed by the operator of their job, or not what they say they are
	Unknown       int   `json:"unknown"` // of a job that is neither in the log nor given
	Cosignatures  int   `json:"cosignatures"`
	// Witnessed is the latest time of those, in Unix seconds: what the log's operator gave since then is not in what was
	// audited. 0 where no witness says when.
	Witnessed int64     `json:"witnessed"`
	Findings  []Finding `json:"findings"` // in the order of their entries
}

// Options say what an audit knows beside the log.
type Options struct {
	Jobs [][]byte // signed jobs that the log may not hold
	// Slack is by how much the clocks that dated entries may disagree.
	Slack time.Duration
	// Policy is of the log and its witnesses; nil without witnesses. Checkpoints are some that the log published at any
	// time, signed and cosigned.
	Policy      *translog.Policy
	Checkpoints [][]byte
}

// Log audits a log. Entries yields all of them from the first on, and is called twice: a job may stand behind what was
// given for it.
func Log(ctx context.Context, entries func() iter.Seq2[[]byte, error], o Options) (*Report, error) {
	a := &audit{
		slack: int64(o.Slack / time.Second), jobs: jobs{}, slots: map[slot]*history{}, receipts: map[hash]slot{},
		listed: map[hash]*given{}, bodies: map[hash][]*body{}, stated: map[hash]*body{}, report: &Report{Findings: []Finding{}},
	}
	if err := a.witness(o); err != nil {
		return nil, err
	}
	for _, file := range o.Jobs {
		if err := a.jobs.add(file); err != nil {
			return nil, err
		}
	}
	for e, err := range entries() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if typeOf(e) == jobType && a.jobs.add(e) == nil {
			a.report.Jobs++
		}
	}
	for e, err := range entries() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		a.read(e)
		a.report.Entries++
	}
	return a.report, nil
}

// audit is a log on its way.
type audit struct {
	slack int64 // seconds
	jobs  jobs
	slots map[slot]*history
	// receipts are the slots of those that are the first of their slot, or renew one that is, by their digests.
	receipts map[hash]slot
	listed   map[hash]*given  // lists, by a claim that they name
	bodies   map[hash][]*body // by nullifier
	stated   map[hash]*body   // by its digest
	seen     []cosigned
	latest   moment // the latest time that an operator gave to an entry so far
	report   *Report
}

func (a *audit) found(rule Rule, against int64, reason string) {
	a.report.Findings = append(a.report.Findings, Finding{rule, a.report.Entries, against, reason})
}
