package proofs

import "github.com/verifyd/verifyd/proofs/internal/class"

const epochRootWords = 10

// An EpochRoot is what the verifiers of a pool state together at the end of an
// epoch: the Merkle root over every account's total.
type EpochRoot struct {
	// Audience names the one ledger that may act on this root. It must not be
	// zero.
	Audience Hash
	// PoolID names the pool.
	PoolID Hash
	// Epoch grows with every root that a ledger accepts. It starts at 1.
	Epoch uint64
	// Root is the root of the tree over the leaves; see package merkle.
	Root Hash
	// PolicyHash is the digest of the scoring policy of this epoch.
	PolicyHash Hash
	// CumulativeUnits is the sum of the leaves' totals, the dust account's
	// included, exactly. A ledger never pays more than that in all.
	CumulativeUnits Uint128
	// SignerSet is the number of the [SignerSet] whose quorum signs.
	SignerSet uint64
	// NotAfter is the last second of the Unix epoch at which a ledger may
	// accept the root.
	NotAfter uint64
	// CheckpointHash is the SHA-256 of the text (without signatures) of a
	// checkpoint of the log under which every proof of the epoch lies.
	CheckpointHash Hash
	// DataHash is the SHA-256 of the published leaf file; see package epoch.
	DataHash Hash
}

func (e EpochRoot) payloadType() string { return epochRootType }

func (e EpochRoot) encode() []byte {
	w := make(writer, 0, epochRootWords*wordSize)
	e.layout(&w)
	return w
}

func (e *EpochRoot) layout(f fields) {
	f.hash("audience", &e.Audience)
	f.hash("poolId", &e.PoolID)
	f.uint64("epoch", &e.Epoch)
	f.hash("root", &e.Root)
	f.hash("policyHash", &e.PolicyHash)
	f.uint128("cumulativeUnits", &e.CumulativeUnits)
	f.uint64("signerSet", &e.SignerSet)
	f.uint64("notAfter", &e.NotAfter)
	f.hash("checkpointHash", &e.CheckpointHash)
	f.hash("dataHash", &e.DataHash)
}

// check holds the rules of SPEC.md's "Epoch root".
func (e EpochRoot) check() error {
	switch {
	case e.Audience == Hash{}:
		return refuse(class.OutOfRange, "audience", "must not be zero: it names the ledger that may act on the root")
	case e.Epoch == 0:
		return refuse(class.OutOfRange, "epoch", "must not be zero: epochs start at 1")
	case e.Root == Hash{}:
		return refuse(class.OutOfRange, "root", "must not be zero: no tree has that root")
	case e.SignerSet == 0:
		return refuse(class.OutOfRange, "signerSet", "must not be zero: sets start at 1")
	}
	return nil
}
