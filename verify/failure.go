package verify

import "github.com/verifyd/verifyd/verify/fault"

// Error is a refusal: its class, the file, the field, and the reason. All that this package and those under it
// refuse of what comes from outside is one, and errors.As finds it.
type Error = fault.Error

// Class is why something was refused. SPEC.md lists the classes, and [Class.Blames] says whose fault it is.
type Class = fault.Class

// Side is who is to blame for a refusal.
type Side = fault.Side

// ClassOf is the class of an error of this package. It is fault.Internal for what no class is given to, and
// empty for nil.
func ClassOf(err error) Class { return fault.Of(err) }

// Classes lists all classes in the order of SPEC.md.
func Classes() []Class { return fault.Classes() }

// The classes. Package fault says what each means.
const (
	ClassMissing        = fault.Missing
	ClassNotRegular     = fault.NotRegular
	ClassTooLarge       = fault.TooLarge
	ClassBadLength      = fault.BadLength
	ClassBadForm        = fault.BadForm
	ClassNotCanonical   = fault.NotCanonical
	ClassUnknownVersion = fault.UnknownVersion
	ClassWrongType      = fault.WrongType
	ClassBadKey         = fault.BadKey
	ClassBadSignature   = fault.BadSignature
	ClassUndated        = fault.Undated
	ClassOutOfRange     = fault.OutOfRange
	ClassWrongDigest    = fault.WrongDigest
	ClassWrongJob       = fault.WrongJob
	ClassWrongClaim     = fault.WrongClaim
	ClassWrongChallenge = fault.WrongChallenge
	ClassWrongCase      = fault.WrongCase
	ClassWrongImprint   = fault.WrongImprint
	ClassWrongRound     = fault.WrongRound
	ClassBadBeacon      = fault.BadBeacon
	ClassNotFinite      = fault.NotFinite
	ClassBadTerms       = fault.BadTerms
	ClassUnsupported    = fault.Unsupported
	ClassNotOpenedYet   = fault.NotOpenedYet
	ClassIncomplete     = fault.Incomplete
	ClassInterrupted    = fault.Interrupted
	ClassTooMuchMemory  = fault.TooMuchMemory
	ClassAltered        = fault.Altered
	ClassDeviceFailed   = fault.DeviceFailed
	ClassInternal       = fault.Internal
)

// The sides.
const (
	SideBundle   = fault.Bundle
	SideOperator = fault.Operator
	SideNobody   = fault.Nobody
	SideMachine  = fault.Machine
)
