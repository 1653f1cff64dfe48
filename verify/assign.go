package verify

import (
	"crypto"
	"time"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Registration is a worker's wish for a slot, as the operator heard of it.
type Registration struct {
	Worker merkle.Hash // key id
	Slot   uint32
	At     time.Time
	// Beacon is the round that gives the seed of the order, [job.Job.AssignmentRound] of At; nil with a fixed
	// chain, whose operator chooses Seed.
	Beacon *beacon.Beacon
	Seed   merkle.Hash
}

// Assign signs that a slot is a worker's. An operator signs one assignment for a job, a worker and a slot, ever: with
// a second one the worker would pick the order that suits. The caller sees to it.
func Assign(t *Terms, r Registration, operator crypto.Signer) ([]byte, error) {
	if err := t.signedBy(operator, AssignmentFile); err != nil {
		return nil, err
	}
	a, err := t.Job.Assign(job.Assignment{
		Worker: r.Worker, Slot: r.Slot, Registered: notBefore(r.At), Beacon: r.Beacon, Seed: r.Seed,
	}, t.Digest)
	if err != nil {
		return nil, fault.In(AssignmentFile, err)
	}
	return a.Sign(operator)
}

// ReadAssignment reads an assignment of the job and returns it with its digest.
func (t *Terms) ReadAssignment(data []byte) (job.Assignment, merkle.Hash, error) {
	return t.Job.ReadAssignment(AssignmentFile, data, t.Digest)
}

// signedBy refuses a signer that is not the job's operator.
func (t *Terms) signedBy(signer crypto.Signer, file string) error {
	key, err := document.NewKey(signer.Public())
	if err != nil {
		return err
	}
	if key != t.Job.Operator {
		return fault.New(fault.BadKey, file, "", "the signer is not the job's operator")
	}
	return nil
}

// notBefore is the first whole second that is not before a time: what is drawn from a later beacon must not have been
// drawn when it happened.
func notBefore(at time.Time) int64 {
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}
