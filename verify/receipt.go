package verify

import (
	"bufio"
	"crypto"
	"io"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// ReceiptVersion is the only version of receipts that this version of verifyd knows.
const ReceiptVersion = "verifyd-receipt/1"

const receiptKind = document.Kind("receipt")

// Receipt is the operator's signed statement that a claim arrived with all of its leaves, and when. The challenge
// follows from it and from the beacon's round that it fixes.
type Receipt struct {
	Version    string      `json:"version"`
	Job        merkle.Hash `json:"job"`        // digest of the job
	Assignment merkle.Hash `json:"assignment"` // digest of the assignment
	Worker     merkle.Hash `json:"worker"`     // key id
	Slot       uint32      `json:"slot"`
	Claim      merkle.Hash `json:"claim"`   // digest of the claim
	Root       merkle.Hash `json:"root"`    // over the leaves that came with it
	Sampled    uint32      `json:"sampled"` // segments that will be drawn, in the job's range
	Arrived    int64       `json:"arrived"` // Unix time in seconds, not before the claim arrived
	// Renews are the receipts of the claim before this one, the first one first: each came too late.
	Renews []LateReceipt `json:"renews,omitempty"`
}

// Arrival is a claim as it reaches the operator.
type Arrival struct {
	Assignment []byte    // the file
	Claim      []byte    // the file
	Leaves     io.Reader // the leaf file
	At         time.Time
	Sampled    uint32 // segments that will be drawn: fixed here, before the beacon
}

// Receive checks that a claim is one to its assignment, that all of its leaves have arrived, and returns the operator's
// signed receipt. An operator gives one receipt for each job, worker and slot, ever: a second one would draw the
// challenge anew. The caller sees to it.
//
// Leaves that are not those of the claim's root are refused, so that what the worker committed to is there for
// whatever follows. What they say is for the verifier to judge.
func Receive(t *Terms, a Arrival, operator crypto.Signer) ([]byte, error) {
	claim, digest, err := t.ReadClaim(a.Claim)
	if err != nil {
		return nil, err
	}
	assignment, assigned, err := t.ReadAssignment(a.Assignment)
	if err != nil {
		return nil, err
	}
	if err := t.signedBy(operator, ReceiptFile); err != nil {
		return nil, err
	}
	root, err := t.rootOf(a.Leaves)
	if err != nil {
		return nil, err
	}
	r := Receipt{
		Version: ReceiptVersion, Job: t.Digest, Assignment: assigned, Worker: claim.Worker.ID(), Slot: claim.Slot,
		Claim: digest, Root: root, Sampled: a.Sampled, Arrived: notBefore(a.At),
	}
	if root != claim.Root {
		return nil, fault.New(fault.WrongDigest, LeavesFile, "", "root %v, the claim has %v", root, claim.Root)
	}
	if err := t.checkReceipt(&r, of{&claim, digest, &assignment, assigned}); err != nil {
		return nil, fault.In(ReceiptFile, err)
	}
	return document.Sign(receiptKind, r, operator)
}

// rootOf reads a leaf file.
func (t *Terms) rootOf(file io.Reader) (merkle.Hash, error) {
	leaves, err := trace.NewLeaves(bufio.NewReaderSize(file, 1<<16), LeavesFile, t.Job.Steps)
	if err != nil {
		return merkle.Hash{}, err
	}
	for {
		if _, err := leaves.Next(); err == io.EOF {
			return leaves.Root(), nil
		} else if err != nil {
			return merkle.Hash{}, err
		}
	}
}

// ReadClaim reads a claim and checks it against the job.
func (t *Terms) ReadClaim(data []byte) (trace.Claim, merkle.Hash, error) {
	c, digest, err := trace.ReadClaim(ClaimFile, data)
	if err != nil {
		return c, digest, err
	}
	switch {
	case c.Job != t.Digest:
		err = fault.New(fault.WrongJob, ClaimFile, "job", "%v, the job is %v", c.Job, t.Digest)
	case c.Slot >= t.Job.Slots:
		err = fault.New(fault.OutOfRange, ClaimFile, "slot", "%d, the job has %d", c.Slot, t.Job.Slots)
	case c.Steps != t.Job.Steps:
		err = fault.New(fault.OutOfRange, ClaimFile, "steps", "%d, the job has %d", c.Steps, t.Job.Steps)
	}
	return c, digest, err
}

// of is what a receipt is of: a claim and its assignment, with their digests.
type of struct {
	claim       *trace.Claim
	claimDigest merkle.Hash
	assignment  *job.Assignment
	assigned    merkle.Hash
}

// ReadReceipt reads a receipt that the job's operator signed, whatever it is for.
func (t *Terms) ReadReceipt(data []byte) (Receipt, error) {
	r, _, err := document.Read[Receipt](ReceiptFile, data, receiptKind, t.Job.Operator)
	return r, err
}

// readReceipt reads a receipt and checks it against the job, the claim and the assignment.
func (t *Terms) readReceipt(data []byte, o of) (Receipt, merkle.Hash, error) {
	r, digest, err := document.Read[Receipt](ReceiptFile, data, receiptKind, t.Job.Operator)
	if err != nil {
		return r, digest, err
	}
	return r, digest, fault.In(ReceiptFile, t.checkReceipt(&r, o))
}

func (t *Terms) checkReceipt(r *Receipt, o of) error {
	worker, sampled := o.claim.Worker.ID(), t.Job.Sampled
	switch {
	case r.Version != ReceiptVersion:
		return fault.New(fault.UnknownVersion, "", "version", "%.60q, %q is needed", r.Version, ReceiptVersion)
	case r.Job != t.Digest:
		return fault.New(fault.WrongJob, "", "job", "%v, the job is %v", r.Job, t.Digest)
	case r.Claim != o.claimDigest || r.Root != o.claim.Root:
		return fault.New(fault.WrongClaim, "", "claim", "%v, the claim is %v", r.Claim, o.claimDigest)
	case r.Assignment != o.assigned:
		return fault.New(fault.WrongClaim, "", "assignment", "%v, the assignment is %v", r.Assignment, o.assigned)
	case o.assignment.Worker != worker || r.Worker != worker:
		return fault.New(fault.WrongClaim, "", "worker", "the assignment is to %v, the claim by %v, and the receipt for %v", o.assignment.Worker, worker, r.Worker)
	case o.assignment.Slot != o.claim.Slot || r.Slot != o.claim.Slot:
		return fault.New(fault.WrongClaim, "", "slot", "the assignment is of slot %d, the claim of %d, and the receipt for %d", o.assignment.Slot, o.claim.Slot, r.Slot)
	case r.Sampled < sampled.Least || r.Sampled > sampled.Most:
		return fault.New(fault.BadTerms, "", "sampled", "%d is outside %d to %d", r.Sampled, sampled.Least, sampled.Most)
	case r.Arrived < o.assignment.Registered || r.Arrived > job.LastSecond:
		return fault.New(fault.BadTerms, "", "arrived", "%d is outside %d, when the worker was registered, to %d", r.Arrived, o.assignment.Registered, int64(job.LastSecond))
	}
	return t.checkRenewals(r, o.assignment)
}
