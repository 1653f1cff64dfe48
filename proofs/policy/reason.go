package policy

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs"
)

// Outside is the verifier's note on an accepted claim: what was replayed is true,
// and some of it begins where training is cheap.
const Outside proofs.Reason = 5

// Unaudited is the verifier's reason beside kind 2: the beacon did not draw the
// claim for audit, so that no step of it was replayed.
const Unaudited proofs.Reason = 6

// The reasons that scoring gives for what an accepted claim earns. A claim that
// was not accepted keeps the verifier's own reason. If several hold, Voided,
// Unlisted, WrongBeacon and Unimproved come first, then the first of this list
// that explains the units.
const (
	Unlisted    proofs.Reason = 256 + iota // earns nothing: the worker is not on the roster of owners
	NoPoints                               // earns nothing: its metrics make no points
	Capped                                 // earns less: its identity is at a cap
	Rounded                                // earns nothing: its share is less than one unit
	Budgeted                               // earns less: the epoch's budget is reached at the policy's price
	Clipped                                // earns less: a metric lies above its clip range
	WrongBeacon                            // earns nothing: its sample is not from the chain that the policy names
	Unimproved                             // earns less or nothing: its operations do not count, for what they improved
	Voided                                 // earns nothing: its pay was held when a claim of the worker failed
)

// FirstOwnReason is the lowest code that a policy may name itself.
const FirstOwnReason proofs.Reason = 512

// An OwnReason is a reason code of the policy's own.
type OwnReason struct {
	Code proofs.Reason `json:"code"`
	Name string        `json:"name"`
}

// ReasonName is the name of a verdict's reason under p, or "" for
// [proofs.NoReason].
func (p *Policy) ReasonName(v proofs.Verdict) string {
	switch v.Reason {
	case proofs.NoReason:
		return ""
	case Unlisted:
		return "unlisted"
	case NoPoints:
		return "no-points"
	case Rounded:
		return "rounded"
	case Capped:
		return "capped"
	case Budgeted:
		return "budget"
	case Clipped:
		return "clipped"
	case Unimproved:
		return "unimproved"
	case Voided:
		return "voided"
	case WrongBeacon:
		return "beacon"
	}
	for _, own := range p.Reasons {
		if own.Code == v.Reason {
			return own.Name
		}
	}
	// The verifier's: what follows the kind in "rejected/mismatch".
	kind := proofs.Verdict{Kind: v.Kind}.String()
	return fmt.Sprint(v)[len(kind)+1:]
}

// knows says that code is one of the policy's own.
func (p *Policy) knows(code proofs.Reason) bool {
	for _, own := range p.Reasons {
		if own.Code == code {
			return true
		}
	}
	return false
}
