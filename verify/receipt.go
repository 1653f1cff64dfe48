package verify

import (
	"crypto"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// ReceiptVersion is the only version of receipts that this version of verifyd knows.
const ReceiptVersion = "verifyd-receipt/1"

const receiptKind = document.Kind("receipt")

// Receipt is the operator's signed statement of when a claim arrived. It fixes the beacon's round.
type Receipt struct {
	Version string      `json:"version"`
	Job     merkle.Hash `json:"job"`     // digest of the job
	Claim   merkle.Hash `json:"claim"`   // digest of the claim
	Arrived int64       `json:"arrived"` // Unix time in seconds
}

// Receive checks that a claim is one for this job and returns the operator's signed receipt for it. An
// operator gives one receipt for each worker and slot, ever: a second one would re-roll the challenge.
func Receive(t *Terms, claimFile []byte, arrived time.Time, signer crypto.Signer) ([]byte, error) {
	_, digest, err := t.ReadClaim(claimFile)
	if err != nil {
		return nil, err
	}
	key, err := document.NewKey(signer.Public())
	if err != nil {
		return nil, err
	}
	if key != t.Job.Operator {
		return nil, fault.New(fault.BadKey, "receipt", "", "the signer is not the job's operator")
	}
	return document.Sign(receiptKind, Receipt{
		Version: ReceiptVersion, Job: t.Digest, Claim: digest, Arrived: arrived.Unix(),
	}, signer)
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

// readReceipt reads a receipt and checks it against the job and the claim.
func (t *Terms) readReceipt(data []byte, claim merkle.Hash) (Receipt, merkle.Hash, error) {
	r, digest, err := document.Read[Receipt](ReceiptFile, data, receiptKind, t.Job.Operator)
	if err != nil {
		return r, digest, err
	}
	const lastSecond = 1 << 40
	switch {
	case r.Version != ReceiptVersion:
		err = fault.New(fault.UnknownVersion, ReceiptFile, "version", "%.60q, %q is needed", r.Version, ReceiptVersion)
	case r.Job != t.Digest:
		err = fault.New(fault.WrongJob, ReceiptFile, "job", "%v, the job is %v", r.Job, t.Digest)
	case r.Claim != claim:
		err = fault.New(fault.WrongClaim, ReceiptFile, "claim", "%v, the claim is %v", r.Claim, claim)
	case r.Arrived < 0 || r.Arrived > lastSecond:
		err = fault.New(fault.BadTerms, ReceiptFile, "arrived", "%d is outside 0 to %d", r.Arrived, int64(lastSecond))
	}
	return r, digest, err
}
