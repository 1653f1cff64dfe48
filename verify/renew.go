package verify

import (
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// MaxRenewals is how often a claim may be received again.
const MaxRenewals = 8

// LateReceipt is a receipt that the job's witnesses did not see before its beacon's round, so that nobody can show that
// the claim was there first: a bundle with it is not judged. Its claim may be received again, and what was drawn for it
// stays drawn, in addition to what the new round draws. So another receipt never saves a worker from a segment, and an
// older one that was dated back to a round which suits saves nothing from the new round.
type LateReceipt struct {
	Receipt merkle.Hash    `json:"receipt"`          // its digest
	Arrived int64          `json:"arrived"`          // as it says
	Beacon  *beacon.Beacon `json:"beacon,omitempty"` // of its round; none with a fixed chain, which has one value
}

// Renewal is what an operator has when a receipt came too late.
type Renewal struct {
	Assignment []byte         // the file
	Claim      []byte         // the file: the same claim, and so the same root
	Late       []byte         // the file of the newest receipt there is
	Proof      []byte         // that the log has it, if there is one: a receipt that was seen in time is not renewed
	Beacon     *beacon.Beacon // of the late receipt's round; nil with a fixed chain
	At         time.Time      // now, when that round is out
}

// Renew signs another receipt for a claim whose last one the job's witnesses did not see in time. Its leaves are there
// since the first one. Only one receipt may follow another, ever, as there is only one first: the caller sees to it.
func Renew(t *Terms, r Renewal, operator crypto.Signer) ([]byte, error) {
	claim, digest, err := t.ReadClaim(r.Claim)
	if err != nil {
		return nil, err
	}
	assignment, assigned, err := t.ReadAssignment(r.Assignment)
	if err != nil {
		return nil, err
	}
	if err := t.signedBy(operator, ReceiptFile); err != nil {
		return nil, err
	}
	about := of{&claim, digest, &assignment, assigned}
	late, named, err := t.readReceipt(r.Late, about)
	if err != nil {
		return nil, err
	}
	if _, due := t.Job.Round(late.Arrived); t.log != nil && r.Proof != nil && t.log.Holds(r.Proof, r.Late, due) == nil {
		return nil, fault.New(fault.BadTerms, ReceiptFile, "renews", "the job's witnesses saw the receipt in time: it stands")
	}
	renewed := late
	renewed.Arrived = notBefore(r.At)
	renewed.Renews = append(slices.Clone(late.Renews), LateReceipt{named, late.Arrived, r.Beacon})
	if err := t.checkReceipt(&renewed, about); err != nil {
		return nil, fault.In(ReceiptFile, err)
	}
	return document.Sign(receiptKind, renewed, operator)
}

// checkRenewals refuses late receipts that are not those of the same claim, one after another from the first on, each
// renewed when its round was out. They differ from r in their times alone, so r gives their digests.
func (t *Terms) checkRenewals(r *Receipt, assignment *job.Assignment) error {
	switch {
	case len(r.Renews) == 0:
		return nil
	case t.log == nil || !t.log.Dates():
		return fault.New(fault.BadTerms, "", "renews", "the job names no witnesses: no receipt comes too late")
	case len(r.Renews) > MaxRenewals:
		return fault.New(fault.BadTerms, "", "renews", "%d, the limit is %d", len(r.Renews), MaxRenewals)
	}
	// All that is drawn must fit the list of an opening, or nobody could answer.
	if most := uint64(len(r.Renews)+1) * uint64(r.Sampled); min(most, t.Job.Segments()) > job.MaxSampled {
		return fault.New(fault.BadTerms, "", "renews", "%d times %d segments drawn, the limit is %d in all", len(r.Renews)+1, r.Sampled, job.MaxSampled)
	}
	for i, late := range r.Renews {
		field := fmt.Sprintf("renews: %d", i)
		next := r.Arrived
		if i+1 < len(r.Renews) {
			next = r.Renews[i+1].Arrived
		}
		if late.Arrived < assignment.Registered || late.Arrived > job.LastSecond {
			return fault.New(fault.BadTerms, "", field, "arrived at %d, outside %d, when the worker was registered, to %d", late.Arrived, assignment.Registered, int64(job.LastSecond))
		}
		if _, due := t.Job.Round(late.Arrived); next < due {
			return fault.New(fault.BadTerms, "", field, "renewed at %d, when its beacon was not due until %d", next, due)
		}
		before := *r
		before.Arrived, before.Renews = late.Arrived, r.Renews[:i]
		digest, err := document.Digest(receiptKind, before)
		if err != nil {
			return err
		}
		if digest != late.Receipt {
			return fault.New(fault.BadTerms, "", field, "%v, the receipt of that claim and time is %v", late.Receipt, digest)
		}
		if _, err := t.lateRandomness(late, merkle.Hash{}); err != nil {
			return fault.Under(field, err)
		}
	}
	return nil
}

// lateRandomness is that of a late receipt's round. A fixed chain has one value for all, which the receipt does not hold:
// it may be a secret still.
func (t *Terms) lateRandomness(late LateReceipt, fixed merkle.Hash) (merkle.Hash, error) {
	rounds := t.Job.Beacon.Name != beacon.Fixed
	if rounds != (late.Beacon != nil) {
		return merkle.Hash{}, fault.New(fault.BadTerms, "", "beacon", "it belongs to a receipt where the job's chain has rounds, and only there")
	}
	if !rounds {
		return fixed, nil
	}
	round, _ := t.Job.Round(late.Arrived)
	randomness, err := t.Job.Beacon.Randomness(*late.Beacon, round)
	return randomness, fault.Under("beacon", err)
}
