package job

import (
	"crypto"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// RegistrationVersion is the only version of registrations that this version of verifyd knows.
const RegistrationVersion = "verifyd-registration/1"

// RegistrationKind is the kind of a signed registration.
const RegistrationKind = document.Kind("registration")

// Registration is the operator's word of when a worker asked for a slot. Where the job's chain has rounds it is in the
// log before the one that gives the seed of the assignment, so that it is not dated back to a round whose seed suits.
type Registration struct {
	Version string      `json:"version"`
	Job     merkle.Hash `json:"job"`    // digest of the job
	Worker  merkle.Hash `json:"worker"` // key id
	Slot    uint32      `json:"slot"`
	At      int64       `json:"at"` // Unix time in seconds, not before the worker asked
	// Data are the worker's own, which it commits to before anybody knows the seed; none where the data are the job's.
	Data *Set `json:"data,omitempty"`
}

// Sign returns the envelope of r, signed by the operator.
func (r Registration) Sign(operator crypto.Signer) ([]byte, error) {
	r.Version = RegistrationVersion
	return document.Sign(RegistrationKind, r, operator)
}

// ReadRegistration reads a registration that the job's operator signed, whoever it is of. Errors begin with file.
func (j *Job) ReadRegistration(file string, data []byte, job merkle.Hash) (Registration, merkle.Hash, error) {
	r, digest, err := document.Read[Registration](file, data, RegistrationKind, j.Operator)
	if err != nil {
		return Registration{}, merkle.Hash{}, err
	}
	switch {
	case r.Version != RegistrationVersion:
		err = fault.New(fault.UnknownVersion, file, "version", "%.60q, %q is needed", r.Version, RegistrationVersion)
	case r.Job != job:
		err = fault.New(fault.WrongJob, file, "job", "%v, the job is %v", r.Job, job)
	}
	if err == nil {
		err = fault.In(file, j.Takes(r.Data))
	}
	return r, digest, err
}

// Of refuses a registration that is not the one of an assignment. Errors begin with file.
func (r *Registration) Of(a *Assignment, file string) error {
	switch {
	case r.Worker != a.Worker:
		return fault.New(fault.WrongClaim, file, "worker", "%v, the assignment is to %v", r.Worker, a.Worker)
	case r.Slot != a.Slot:
		return fault.New(fault.WrongClaim, file, "slot", "%d, the assignment is of %d", r.Slot, a.Slot)
	case r.At != a.Registered:
		return fault.New(fault.WrongClaim, file, "at", "%d, the assignment says %d", r.At, a.Registered)
	case !same(r.Data, a.Data):
		return fault.New(fault.WrongClaim, file, "data", "not those that the assignment names")
	}
	return nil
}

// AssignmentDue is when the round is published that gives the seed to who registered at a time.
func (j *Job) AssignmentDue(registered int64) int64 {
	return j.Beacon.Published(registered + 2*j.Beacon.Period())
}
