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
	MissingFile     = fault.Missing
	NotRegular      = fault.NotRegular
	TooLarge        = fault.TooLarge
	BadLength       = fault.BadLength
	BadForm         = fault.BadForm
	NotCanonical    = fault.NotCanonical
	UnknownVersion  = fault.UnknownVersion
	WrongType       = fault.WrongType
	BadKey          = fault.BadKey
	BadSignature    = fault.BadSignature
	OutOfRange      = fault.OutOfRange
	WrongDigest     = fault.WrongDigest
	WrongJob        = fault.WrongJob
	WrongClaim      = fault.WrongClaim
	WrongChallenge  = fault.WrongChallenge
	WrongCase       = fault.WrongCase
	WrongRound      = fault.WrongRound
	BadBeacon       = fault.BadBeacon
	BadPath         = fault.BadPath
	NotFiniteNumber = fault.NotFinite
	BadTerms        = fault.BadTerms
	Unsupported     = fault.Unsupported
	NotOpenedYet    = fault.NotOpenedYet
	Incomplete      = fault.Incomplete
	Interrupted     = fault.Interrupted
	TooMuchMemory   = fault.TooMuchMemory
	Altered         = fault.Altered
	DeviceFailed    = fault.DeviceFailed
	Internal        = fault.Internal
)

// The sides.
const (
	BlamesBundle   = fault.Bundle
	BlamesOperator = fault.Operator
	BlamesNobody   = fault.Nobody
	BlamesMachine  = fault.Machine
)
