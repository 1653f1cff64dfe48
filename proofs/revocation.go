package proofs

import "github.com/verifyd/verifyd/proofs/internal/class"

const revocationWords = 8

// A Revocation takes back a statement that the verifiers of a pool signed
// before: a pending epoch root must not become active, a contribution must not
// be credited. What a ledger has paid already, it does not undo.
type Revocation struct {
	// Audience names the one ledger that may act on it. It must not be zero.
	Audience Hash
	// PoolID names the pool.
	PoolID Hash
	// Epoch is the epoch of the statement that is taken back.
	Epoch uint64
	// Target is the SHA-256 of that statement's body.
	Target Hash
	// TargetKind is 1 for a contribution and 2 for an epoch root.
	TargetKind uint32
	// Reason says why; codes are those of verdicts.
	Reason uint32
	// SignerSet is the number of the [SignerSet] whose quorum signs.
	SignerSet uint64
	// IssuedAt is the time of signing in seconds of the Unix epoch.
	IssuedAt uint64
}

func (v Revocation) payloadType() string { return revocationType }

func (v Revocation) encode() []byte {
	w := make(writer, 0, revocationWords*wordSize)
	v.layout(&w)
	return w
}

func (v *Revocation) layout(f fields) {
	f.hash("audience", &v.Audience)
	f.hash("poolId", &v.PoolID)
	f.uint64("epoch", &v.Epoch)
	f.hash("target", &v.Target)
	f.uint32("targetKind", &v.TargetKind)
	f.uint32("reason", &v.Reason)
	f.uint64("signerSet", &v.SignerSet)
	f.uint64("issuedAt", &v.IssuedAt)
}

// check holds the rules of SPEC.md's "Revocation".
func (v Revocation) check() error {
	switch {
	case v.Audience == Hash{}:
		return refuse(class.OutOfRange, "audience", "must not be zero: it names the ledger that may act on the revocation")
	case v.Target == Hash{}:
		return refuse(class.OutOfRange, "target", "must not be zero: it is the digest of the statement that is taken back")
	case v.TargetKind != 1 && v.TargetKind != 2:
		return refuse(class.OutOfRange, "targetKind", "%d is neither 1, a contribution, nor 2, an epoch root", v.TargetKind)
	case v.Reason > 0xffff:
		return refuse(class.OutOfRange, "reason", "%d is more than 65535", v.Reason)
	case v.SignerSet == 0:
		return refuse(class.OutOfRange, "signerSet", "must not be zero: sets start at 1")
	}
	return nil
}
