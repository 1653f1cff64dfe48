// Package class names the failure classes of proofs/SPEC.md: why a statement,
// an envelope, a path or a bundle is refused. Vectors, errors and checkers in
// other languages use the same names.
package class

// The failure classes.
const (
	BadLength      = "bad-length"       // not the number of bytes that its kind has
	DirtyPadding   = "dirty-padding"    // a narrow field with something in its high bytes
	OutOfRange     = "out-of-range"     // a field outside the rules of its statement
	WrongType      = "wrong-type"       // a payload type that is not the one expected
	NotCanonical   = "not-canonical"    // a file that has another spelling than the one allowed
	BadForm        = "bad-form"         // signature bytes that are no canonical signature
	HighS          = "high-s"           // ECDSA with s in the upper half of the group order
	BadKey         = "bad-key"          // a public key that is not one, or is weak
	BadSignature   = "bad-signature"    // well formed, but not by that key over these bytes
	WrongSignerSet = "wrong-signer-set" // by a key that is not trusted, or under another set
	Duplicate      = "duplicated-signer"
	BelowQuorum    = "below-quorum"
	WrongAudience  = "wrong-audience"
	WrongPool      = "wrong-pool"
	WrongPolicy    = "wrong-policy"
	WrongEpoch     = "wrong-epoch"      // statements of one bundle that disagree about the epoch
	FromTheFuture  = "from-the-future"  // issued later than the reader's clock and its tolerance
	Expired        = "expired"          // past notAfter
	ReplayedEpoch  = "replayed-epoch"   // an epoch that was accepted before
	Decreasing     = "decreasing-total" // a total below the one accepted before
	Revoked        = "revoked"
	Spent          = "spent"          // another body stands for the nullifier
	BadPath        = "bad-path"       // a Merkle path that does not lead to the root
	BadLog         = "bad-log"        // an inclusion, consistency or checkpoint that does not hold
	BadRotation    = "bad-rotation"   // a signer set that does not follow the one in force
	Uncorroborated = "uncorroborated" // an epoch root that says nothing about the contribution
	EpochTooFar    = "epoch-too-far"  // an epoch further ahead than the ledger lets one root go
	NotAccepted    = "not-accepted"   // a claim on an epoch root that the ledger has not accepted
	WrongLeaves    = "wrong-leaves"   // a leaf file that is not the last good root's
	AboveTotal     = "above-total"    // more than the last good root has in all
)
