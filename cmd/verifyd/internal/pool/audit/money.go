package audit

import (
	"crypto/sha256"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
)

// body is what was signed for a nullifier.
type body struct {
	entry   int64
	revoked bool
}

// contributed judges a contribution: one body for a nullifier, whoever signed it, unless it was revoked.
func (a *audit) contributed(c proofs.Contribution, text []byte) {
	nullifier, digest := hash(c.Nullifier()), hash(sha256.Sum256(text))
	if a.stated[digest] != nil {
		return // another signer's, or the same
	}
	for _, other := range a.bodies[nullifier] {
		if !other.revoked {
			a.found(SecondBody, other.entry, fmt.Sprintf("nullifier %v, worker %v, task %v: another contribution for it is in the log and not revoked",
				nullifier, c.WorkerID, c.TaskID))
			break
		}
	}
	b := &body{entry: a.report.Entries}
	a.stated[digest] = b
	a.bodies[nullifier] = append(a.bodies[nullifier], b)
}

// revoked notes that a statement was taken back.
func (a *audit) revoked(r proofs.Revocation) {
	const contribution = 1 // as a kind of what is taken back
	if b := a.stated[hash(r.Target)]; b != nil && r.TargetKind == contribution {
		b.revoked = true
	}
}
