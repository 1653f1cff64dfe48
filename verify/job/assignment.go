package job

import (
	"crypto"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// AssignmentVersion is the only version of assignments that this version of verifyd knows.
const AssignmentVersion = "verifyd-assignment/1"

// AssignmentKind is the kind of a signed assignment.
const AssignmentKind = document.Kind("assignment")

// Assignment gives a slot of a job to a worker, with the seed of the order of its samples. There is one for a job, a
// worker and a slot, ever: whoever signs them sees to it. Its digest stands in every state that the worker reaches,
// so that a training serves this slot and no other.
type Assignment struct {
	Version string      `json:"version"`
	Job     merkle.Hash `json:"job"`    // digest of the job
	Worker  merkle.Hash `json:"worker"` // key id
	Slot    uint32      `json:"slot"`
	// Registered is the Unix time in seconds at which the worker was known, not before it.
	Registered int64 `json:"registered"`
	// Data are the worker's own, committed to when it registered; none where the data are the job's.
	Data *Set `json:"data,omitempty"`
	// Beacon gives the seed: a round that nobody knew when the worker registered, so that no key can be
	// tried until its order suits. A fixed chain has none, and the operator chooses the seed.
	Beacon *beacon.Beacon `json:"beacon,omitempty"`
	Seed   merkle.Hash    `json:"seed"` // of the order
}

// AssignmentRound is the round of the job's chain that gives the seed of an assignment to who registered at a time:
// the first one two periods or more behind it.
func (j *Job) AssignmentRound(registered int64) uint64 {
	return j.Beacon.RoundAt(registered + 2*j.Beacon.Period())
}

// Assign completes an assignment to a worker's slot. It takes the seed from its beacon, where the job's chain has
// rounds, and refuses whatever [ReadAssignment] would.
func (j *Job) Assign(a Assignment, job merkle.Hash) (Assignment, error) {
	a.Version, a.Job = AssignmentVersion, job
	if a.Beacon != nil {
		randomness, err := j.assignedBy(&a)
		if err != nil {
			return Assignment{}, err
		}
		if a.Seed, err = a.seed(randomness); err != nil {
			return Assignment{}, err
		}
	}
	return a, j.checkAssignment(&a, job)
}

// Sign returns the envelope of a, signed by the operator.
func (a *Assignment) Sign(operator crypto.Signer) ([]byte, error) {
	return document.Sign(AssignmentKind, a, operator)
}

// ReadAssignment reads an assignment that the job's operator signed, and returns it with its digest. Errors begin with
// file.
func (j *Job) ReadAssignment(file string, data []byte, job merkle.Hash) (Assignment, merkle.Hash, error) {
	a, digest, err := document.Read[Assignment](file, data, AssignmentKind, j.Operator)
	if err != nil {
		return Assignment{}, merkle.Hash{}, err
	}
	if err := j.checkAssignment(&a, job); err != nil {
		return Assignment{}, merkle.Hash{}, fault.In(file, err)
	}
	return a, digest, nil
}

func (j *Job) checkAssignment(a *Assignment, job merkle.Hash) error {
	switch {
	case a.Version != AssignmentVersion:
		return fault.New(fault.UnknownVersion, "", "version", "%.60q, %q is needed", a.Version, AssignmentVersion)
	case a.Job != job:
		return fault.New(fault.WrongJob, "", "job", "%v, the job is %v", a.Job, job)
	case a.Worker == j.Operator.ID():
		return fault.New(fault.OwnWork, "", "worker", "%v is the operator's own key", a.Worker)
	case a.Slot >= j.Slots:
		return fault.New(fault.OutOfRange, "", "slot", "%d, the job has %d", a.Slot, j.Slots)
	case a.Registered < j.Issued || a.Registered > LastSecond:
		return fault.New(fault.BadTerms, "", "registered", "%d is outside %d, when the job was issued, to %d", a.Registered, j.Issued, int64(LastSecond))
	}
	if err := j.Takes(a.Data); err != nil {
		return err
	}
	switch {
	case j.Beacon.Name == beacon.Fixed && a.Beacon != nil:
		return fault.New(fault.BadTerms, "", "beacon", "a fixed chain has no round for assignments")
	case j.Beacon.Name == beacon.Fixed:
		return nil
	case a.Beacon == nil:
		return fault.New(fault.BadTerms, "", "beacon", "round %d of %s is needed", j.AssignmentRound(a.Registered), j.Beacon.Name)
	}
	randomness, err := j.assignedBy(a)
	if err != nil {
		return err
	}
	seed, err := a.seed(randomness)
	if err != nil {
		return err
	}
	if seed != a.Seed {
		return fault.New(fault.BadTerms, "", "seed", "%v, the beacon gives %v", a.Seed, seed)
	}
	return nil
}

// assignedBy is the randomness of an assignment's beacon.
func (j *Job) assignedBy(a *Assignment) (merkle.Hash, error) {
	randomness, err := j.Beacon.Randomness(*a.Beacon, j.AssignmentRound(a.Registered))
	return randomness, fault.Under("beacon", err)
}

// seed is what a beacon's randomness gives for the assignment.
func (a *Assignment) seed(randomness merkle.Hash) (merkle.Hash, error) {
	info := append([]byte(AssignmentVersion), a.Worker[:]...)
	info = binary.BigEndian.AppendUint32(info, a.Slot)
	if a.Data != nil { // other data get another order
		info = binary.BigEndian.AppendUint64(append(info, a.Data.Root[:]...), a.Data.Samples)
	}
	seed, err := hkdf.Key(sha256.New, randomness[:], a.Job[:], string(info), merkle.Size)
	if err != nil {
		return merkle.Hash{}, fmt.Errorf("assignment: %w", err)
	}
	return merkle.Hash(seed), nil
}
