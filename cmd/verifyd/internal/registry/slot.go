package registry

import (
	"crypto/sha256"
	"time"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Register returns the one document that says when a worker asked for a slot, which sign makes if there is none yet. Data is
// what stands for the worker's own data, zero where they are the job's: with another one it is [Given].
func (r *Registry) Register(s Slot, data merkle.Hash, sign func() ([]byte, error)) ([]byte, error) {
	return r.give(registrations, s.name(0), record{Kind: registration, Slot: s, About: data}, sign)
}

// Assign returns the one assignment of a slot, which sign makes if there is none yet. About is what it is given for,
// e.g. the digest of what the worker asked: if the slot's assignment was given for anything else it is [Given].
//
// Sign may be called and what it made be dropped, where another process was quicker.
func (r *Registry) Assign(s Slot, about merkle.Hash, sign func() ([]byte, error)) ([]byte, error) {
	return r.give(assignments, s.name(0), record{Kind: assignment, Slot: s, About: about}, sign)
}

// Assigned returns the assignment of a slot; nil if there is none.
func (r *Registry) Assigned(s Slot) ([]byte, error) {
	rec, err := r.lookup(assignments, s.name(0))
	if err != nil || rec == nil {
		return nil, err
	}
	return rec.Document, nil
}

// Receive returns the one receipt of a slot's claim, which sign makes if there is none yet. Claim is the claim's
// digest. It is [Given] if another claim has the slot's receipt, [Ended] if its assignment ended, and [NotAssigned] if it never
// had one.
//
// If the receipt was renewed, what is returned is the newest one.
func (r *Registry) Receive(s Slot, claim merkle.Hash, sign func() ([]byte, error)) ([]byte, error) {
	if err := r.isAssigned(s); err != nil {
		return nil, err
	}
	file, err := r.give(receipts, s.name(0), record{Kind: receipt, Slot: s, About: claim}, sign)
	if err != nil {
		return nil, err
	}
	all, err := r.chain(s)
	if err != nil {
		return nil, err
	}
	if n := len(all); n > 1 {
		return all[n-1].Document, nil
	}
	return file, nil
}

// Renew gives the claim of a late receipt another one: late is that receipt's file, whose entry in the log came too late
// for its beacon round. That it did is for the caller to know. Only the same claim, and so the same root, is received
// again. If the late receipt has a successor already, that one is returned.
func (r *Registry) Renew(s Slot, claim merkle.Hash, late []byte, sign func() ([]byte, error)) ([]byte, error) {
	all, err := r.chain(s)
	if err != nil {
		return nil, err
	}
	for i, rec := range all {
		if err := rec.refuse(record{Kind: receipt, Slot: s, About: claim, Previous: rec.Previous}); err != nil {
			return nil, err
		}
		if string(rec.Document) != string(late) {
			continue
		}
		want := record{Kind: receipt, Slot: s, About: claim, Number: uint32(i + 1), Previous: sha256.Sum256(late)}
		return r.give(receipts, s.name(want.Number), want, sign)
	}
	return nil, refuse(NotReceived, "the receipt that is to be renewed was never given for %v", s)
}

// Receipts returns the receipts of a slot in the order in which they were given: none, one, or more if they came late.
func (r *Registry) Receipts(s Slot) ([][]byte, error) {
	all, err := r.chain(s)
	if err != nil || len(all) > 0 && all[0].Kind == ended {
		return nil, err
	}
	files := make([][]byte, len(all))
	for i, rec := range all {
		files[i] = rec.Document
	}
	return files, nil
}

// Expire records for good that a slot's assignment ended without a claim. A slot whose claim has a receipt does not end:
// that is [Given]. It returns when the assignment ended, which is at, or earlier if that was recorded before.
func (r *Registry) Expire(s Slot, at time.Time) (time.Time, error) {
	if err := r.isAssigned(s); err != nil {
		return time.Time{}, err
	}
	rec, err := r.settle(receipts, s.name(0), record{Kind: ended, Slot: s, Time: at.Unix()})
	if err != nil {
		return time.Time{}, err
	}
	if rec.Kind != ended {
		return time.Time{}, refuse(Given, "%v has the receipt of a claim, and does not end", s)
	}
	return time.Unix(rec.Time, 0).UTC(), nil
}

// chain is what became of a slot: its receipts in their order, or its end.
func (r *Registry) chain(s Slot) (all []*record, err error) {
	for n := uint32(0); ; n++ {
		rec, err := r.lookup(receipts, s.name(n))
		if err != nil || rec == nil {
			return all, err
		}
		all = append(all, rec)
	}
}

func (r *Registry) isAssigned(s Slot) error {
	rec, err := r.lookup(assignments, s.name(0))
	if err == nil && rec == nil {
		err = refuse(NotAssigned, "%v has no assignment", s)
	}
	return err
}

func clock(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
