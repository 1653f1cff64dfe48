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
	Data   *job.Set // the worker's own, where the job asks for them
}

// Assign signs that a slot is a worker's. An operator signs one assignment for a job, a worker and a slot, ever: with
// a second one the worker would pick the order that suits. The caller sees to it.
func Assign(t *Terms, r Registration, operator crypto.Signer) ([]byte, error) {
	if err := t.signedBy(operator, AssignmentFile); err != nil {
		return nil, err
	}
	a, err := t.Job.Assign(job.Assignment{
		Worker: r.Worker, Slot: r.Slot, Registered: notBefore(r.At), Beacon: r.Beacon, Seed: r.Seed, Data: r.Data,
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

// Registers says whether the registration of a worker must be shown: where the job names a log and its chain has rounds.
// The seed of a fixed chain is the operator's choice, whenever the worker was known.
func (t *Terms) Registers() bool { return t.log != nil && t.Job.Beacon.Period() > 0 }

// Registered refuses an assignment unless a registration of its worker, signed by the operator, says the time that its
// seed follows from, and a proof shows that in the job's log: by the word of the log's witnesses, if it has any, before
// the round that gives the seed. Where it is refused, no claim to the assignment is judged. The files are read as those
// of a bundle. Where none must be shown, none is read.
func (t *Terms) Registered(a *job.Assignment, registration, proof []byte) error {
	if !t.Registers() {
		return nil
	}
	r, _, err := t.Job.ReadRegistration(RegistrationFile, registration, t.Digest)
	if err != nil {
		return err
	}
	if err := r.Of(a, RegistrationFile); err != nil {
		return err
	}
	return fault.In(RegistrationProofFile, t.log.Holds(proof, registration, t.Job.AssignmentDue(r.At)))
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
