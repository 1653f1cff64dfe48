package proofs

import "fmt"

// A Kind is how the check of a contribution ended.
type Kind uint16

// The kinds of verdict. Zero is none of them, so that a forgotten field cannot
// pass for a decision.
const (
	Accepted     Kind = 1 // every step that was replayed gave the claimed bytes
	Partial      Kind = 2 // a part of the work is accepted, as the policy allows
	Rejected     Kind = 3 // the claim is false, or was not opened in time
	Inconclusive Kind = 4 // it could not be decided
)

// A Reason says why a verdict is not a plain acceptance. Codes that have no
// name here are valid: a policy may define its own.
type Reason uint16

// The reasons that replay itself gives.
const (
	NoReason    Reason = 0
	Mismatch    Reason = 1 // replay gave other bytes than the claim, twice
	NotOpened   Reason = 2 // the challenge was not answered by the deadline
	BadOpening  Reason = 3 // what was opened is not what was committed to
	unsupported Reason = 4 // the verifier cannot run the job's program or profile
	outside     Reason = 5 // policy.Outside
	unaudited   Reason = 6 // policy.Unaudited
)

// A Verdict is a kind and a reason. In the body it is a uint32 with the kind
// in the high 16 bits.
type Verdict struct {
	Kind   Kind
	Reason Reason
}

// String is the kind's name, followed by the reason if there is one, e.g.
// "rejected/mismatch".
func (v Verdict) String() string {
	kind := fmt.Sprintf("kind %d", uint16(v.Kind))
	switch v.Kind {
	case Accepted:
		kind = "accepted"
	case Partial:
		kind = "partial"
	case Rejected:
		kind = "rejected"
	case Inconclusive:
		kind = "inconclusive"
	}
	switch v.Reason {
	case NoReason:
		return kind
	case Mismatch:
		return kind + "/mismatch"
	case NotOpened:
		return kind + "/not-opened"
	case BadOpening:
		return kind + "/bad-opening"
	case unsupported:
		return kind + "/unsupported"
	case outside:
		return kind + "/outside"
	case unaudited:
		return kind + "/unaudited"
	}
	return fmt.Sprintf("%s/%d", kind, uint16(v.Reason))
}

func (v Verdict) uint32() uint32 { return uint32(v.Kind)<<16 | uint32(v.Reason) }

func (v Verdict) known() bool { return v.Kind >= Accepted && v.Kind <= Inconclusive }
