package fault

// Class is why something was refused. The set is closed, and a class never changes for the same fault:
// programs may map classes to exit codes, to the status of a response, or to what a worker is told.
type Class string

// The classes, as SPEC.md lists them.
const (
	Missing        Class = "missing-file"    // a file that the bundle needs is not there
	NotRegular     Class = "not-regular"     // a link, a folder or a pipe where a file is needed
	TooLarge       Class = "too-large"       // more bytes, tensors or numbers than its kind may have
	BadLength      Class = "bad-length"      // ends too early, goes on behind its end, or is not of the size that is known
	BadForm        Class = "bad-form"        // not in its format: JSON, base64, DER, hexadecimal, safetensors, zstd
	NotCanonical   Class = "not-canonical"   // in its format, in another spelling than the one allowed
	UnknownVersion Class = "unknown-version" // of a version that this verifyd does not know
	WrongType      Class = "wrong-type"      // another kind of document, or tensors of other names, types or shapes
	BadKey         Class = "bad-key"         // a public key that is none, or not one over P-256
	BadSignature   Class = "bad-signature"   // well formed, but not by the expected key over these bytes
	Undated        Class = "undated"         // in a log, and too few witnesses saw it there in time
	OutOfRange     Class = "out-of-range"    // a value outside the rules of its document
	WrongDigest    Class = "wrong-digest"    // content that is not what a signed document names
	WrongJob       Class = "wrong-job"       // names another job than the one it lies with
	WrongClaim     Class = "wrong-claim"     // names another claim than the one it lies with
	WrongChallenge Class = "wrong-challenge" // answers another challenge than the beacon's
	WrongRound     Class = "wrong-round"     // a beacon of another chain or round than job and receipt fix
	BadBeacon      Class = "bad-beacon"      // a beacon whose value is not that of its round
	WrongCase      Class = "wrong-case"      // a result or a verdict on another case
	WrongImprint   Class = "wrong-imprint"   // an imprint that no replay by its verifier leaves
	OwnWork        Class = "own-work"        // one key in two parts: the operator's or the verifier's is the worker's, or both are one
	NotFinite      Class = "not-finite"      // NaN or infinity in a worker's own training

	BadTerms    Class = "bad-terms"   // signed by the operator, and nobody can keep to it
	Unsupported Class = "unsupported" // a profile, rule or construction that this verifyd does not have

	NotOpenedYet Class = "not-opened-yet" // there is no opening, and its deadline is not over
	Incomplete   Class = "incomplete"     // results too few to conclude on
	Interrupted  Class = "interrupted"    // whoever asked called it off, or gave it no more time

	TooMuchMemory Class = "too-much-memory" // a program that needs more than this machine allows
	Altered       Class = "altered"         // a file that was another one when it was read before
	DeviceFailed  Class = "device-failed"   // a device that computes failed, and no other was left
	Internal      Class = "internal"        // anything else here: a disk, a permission, a library
)

// Side is who is to blame for a refusal.
type Side string

// The sides. On a server, the first two are errors of the request and the last one is of the server.
const (
	Bundle   Side = "bundle"   // what was handed in: made wrong, or damaged on its way
	Operator Side = "operator" // who signed terms that cannot be kept, here or anywhere
	Nobody   Side = "nobody"   // the same question may be answered later
	Machine  Side = "machine"  // this one: says nothing about the bundle, which another machine may judge
)

// sides lists the classes in the order of SPEC.md.
var sides = []struct {
	class Class
	side  Side
}{
	{Missing, Bundle}, {NotRegular, Bundle}, {TooLarge, Bundle}, {BadLength, Bundle}, {BadForm, Bundle},
	{NotCanonical, Bundle}, {UnknownVersion, Bundle}, {WrongType, Bundle}, {BadKey, Bundle}, {BadSignature, Bundle},
	{Undated, Bundle}, {OutOfRange, Bundle}, {WrongDigest, Bundle}, {WrongJob, Bundle}, {WrongClaim, Bundle}, {WrongChallenge, Bundle},
	{WrongCase, Bundle}, {WrongImprint, Bundle}, {WrongRound, Bundle}, {BadBeacon, Bundle},
	{OwnWork, Bundle}, {NotFinite, Bundle},
	{BadTerms, Operator}, {Unsupported, Operator},
	{NotOpenedYet, Nobody}, {Incomplete, Nobody}, {Interrupted, Nobody},
	{TooMuchMemory, Machine}, {Altered, Machine}, {DeviceFailed, Machine}, {Internal, Machine},
}

// Classes lists all classes in the order of SPEC.md.
func Classes() []Class {
	all := make([]Class, len(sides))
	for i, s := range sides {
		all[i] = s.class
	}
	return all
}

// Blames says who is to blame for a refusal of this class. It is Machine for what is no class.
func (c Class) Blames() Side {
	for _, s := range sides {
		if s.class == c {
			return s.side
		}
	}
	return Machine
}
