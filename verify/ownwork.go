package verify

import (
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// A key has one part in a case, whatever its file says that it is for: its owner can certify it for any role. The
// operator's is no worker's, which [job.Job.ReadAssignment] sees to, and a verifier's is neither.

// judgedBy refuses a verifier that is the case's operator or worker. Zero is nobody, whose verdicts are not signed.
func (c *Case) judgedBy(verifier merkle.Hash) error {
	if verifier == (merkle.Hash{}) {
		return nil
	}
	switch verifier {
	case c.Terms.Job.Operator.ID():
		return fault.New(fault.OwnWork, "", "verifier", "%v is the operator's key", verifier)
	case c.Claim.Worker.ID():
		return fault.New(fault.OwnWork, "", "verifier", "%v is the worker's key", verifier)
	}
	return nil
}

// judgedBy refuses a verdict whose signer is the worker.
func (v *Verdict) judgedBy(verifier merkle.Hash) error {
	if v.Finding.Worker == verifier {
		return fault.New(fault.OwnWork, "", "worker", "%v is the verifier's key", verifier)
	}
	return nil
}
