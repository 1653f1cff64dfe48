package audit

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
)

// slot is what there is one assignment and one receipt for, ever.
type slot struct {
	job, worker hash
	slot        uint32
}

func (s slot) String() string {
	return fmt.Sprintf("job %v, worker %v, slot %d", s.job, s.worker, s.slot)
}

// history is what a log says of a slot.
type history struct {
	registration, assignment, receipt, opening *given
	registered                                 int64   // when its worker was
	data                                       job.Set // that it registered with; zero where they are the job's
	claim                                      hash    // that has the receipt
	arrived                                    int64   // of the claim
}

// given is a document that there is one of.
type given struct {
	digest hash
	entry  int64
}

// again says whether a document is in the log already, signed again or not; other is the one in its place.
func again(g **given, digest hash, entry int64) (other *given, same bool) {
	if *g == nil {
		*g = &given{digest, entry}
		return nil, false
	}
	return *g, (*g).digest == digest
}

func (a *audit) of(s slot) *history {
	h := a.slots[s]
	if h == nil {
		h = &history{}
		a.slots[s] = h
	}
	return h
}

func (a *audit) registered(r job.Registration, digest hash, of *job.Job) {
	s := slot{r.Job, r.Worker, r.Slot}
	h := a.of(s)
	other, same := again(&h.registration, digest, a.report.Entries)
	switch {
	case same:
		return
	case other != nil:
		a.found(SecondRegistration, other.entry, fmt.Sprintf("%v was registered before: the beacon of another time gives another seed", s))
	default:
		h.registered, h.data = r.At, set(r.Data)
	}
	if of.Beacon.Period() > 0 {
		a.date(s, r.At, of.AssignmentDue(r.At), LateRegistration)
	}
}

func (a *audit) assigned(d job.Assignment, digest hash) {
	s := slot{d.Job, d.Worker, d.Slot}
	h := a.of(s)
	other, same := again(&h.assignment, digest, a.report.Entries)
	switch {
	case same:
		return
	case other != nil:
		a.found(SecondAssignment, other.entry, fmt.Sprintf("%v was assigned before: its worker may have taken the order that suits", s))
	case d.Beacon != nil && (h.registration == nil || h.registered != d.Registered || h.data != set(d.Data)):
		a.found(Unlogged, -1, fmt.Sprintf("%v: no earlier entry says that its worker was registered at %s, with its data", s, clock(d.Registered)))
	}
}

// set is the data that a document names, zero if it names none.
func set(s *job.Set) job.Set {
	if s == nil {
		return job.Set{}
	}
	return *s
}

func (a *audit) received(r verify.Receipt, digest hash, of *job.Job) {
	s := slot{r.Job, r.Worker, r.Slot}
	h := a.of(s)
	before := h.receipt
	if a.renewed(h, r, of) {
		h.receipt, h.opening = nil, nil
	}
	other, same := again(&h.receipt, digest, a.report.Entries)
	switch {
	case same || a.receipts[digest] == s:
		return // it is in the log, and this is another signature of it
	case other != nil:
		a.found(SecondReceipt, other.entry, fmt.Sprintf("%v has a receipt already: its challenge was drawn anew", s))
	case len(r.Renews) > 0 && before == nil:
		a.found(Unlogged, -1, fmt.Sprintf("%v: no earlier entry is the receipt %v that it renews", s, r.Renews[len(r.Renews)-1].Receipt))
		fallthrough
	default:
		h.claim, h.arrived = r.Claim, r.Arrived
		a.receipts[digest] = s
	}
	if h.assignment == nil || h.assignment.digest != r.Assignment {
		a.found(Unlogged, -1, fmt.Sprintf("%v: no earlier entry is its assignment %v", s, r.Assignment))
	}
	_, due := of.Round(r.Arrived)
	a.date(s, r.Arrived, due, LateReceipt)
}

// renewed says whether a receipt renews the one that its slot has: a late one of the same claim, which is forgiven then,
// for what was drawn for it stays drawn. One that witnesses saw in time had no need of it: that gives the worker time.
func (a *audit) renewed(h *history, r verify.Receipt, of *job.Job) bool {
	last := len(r.Renews) - 1
	if last < 0 || h.receipt == nil || r.Renews[last].Receipt != h.receipt.digest || r.Claim != h.claim {
		return false
	}
	entry := h.receipt.entry
	if _, due := of.Round(h.arrived); of.Log != nil && of.Log.Threshold > 0 && a.sawBefore(of.Log, entry, due) >= of.Log.Threshold {
		a.found(NeedlessRenewal, entry, fmt.Sprintf("%v: the job's witnesses saw the receipt before its beacon was due at %s", slot{r.Job, r.Worker, r.Slot}, clock(due)))
		return true
	}
	a.report.Findings = slices.DeleteFunc(a.report.Findings, func(f Finding) bool { return f.Rule == LateReceipt && f.Entry == entry })
	return true
}

func (a *audit) opened(o verify.Opened, digest hash, of *job.Job) {
	entry := a.report.Entries
	s := a.receipts[o.Receipt]
	h := a.slots[s]
	if h == nil || s.job != o.Job || h.claim != o.Claim {
		a.found(Unlogged, -1, fmt.Sprintf("job %v: no earlier entry is the receipt %v of its claim", o.Job, o.Receipt))
		return
	}
	other, same := again(&h.opening, digest, entry)
	switch {
	case same:
		return
	case other != nil:
		a.found(SecondOpening, other.entry, fmt.Sprintf("%v was opened before", s))
	}
	a.inTime(s, o.Arrived, of.Answers(h.arrived))
	a.told(o.Arrived)
}
