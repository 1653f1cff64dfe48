package keys

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
)

// A Role is what a key is for. Where a role is wanted, the zero role stands for
// any; of a key, for none.
type Role string

// The roles.
const (
	Operator  Role = "operator"  // signs jobs and receipts
	Worker    Role = "worker"    // signs claims and openings
	Verifier  Role = "verifier"  // signs verdicts, proofs and epoch roots
	Policy    Role = "policy"    // signs for a scoring policy
	Log       Role = "log"       // signs checkpoints of the transparency log
	Transport Role = "transport" // identifies a host to another
)

// Roles are all of them.
func Roles() []Role { return []Role{Operator, Worker, Verifier, Policy, Log, Transport} }

// ErrRole is wrapped by the error about a key of another role.
var ErrRole = errors.New("one key has one role")

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("role %.40q is not one of %v", s, Roles())
}

// ErrNoRole is wrapped by the error about a key that nothing gives a role.
var ErrNoRole = errors.New("a key is used in no role but its own")

// Takes refuses a key of another role than it is wanted for, and one of none.
func (want Role) Takes(stated Role) error {
	switch {
	case want == "" || stated == want:
		return nil
	case stated == "":
		return fmt.Errorf("this key has no role, want one of the %s: %w", want, ErrNoRole)
	}
	return fmt.Errorf("this is a key of the %s, want one of the %s: %w", stated, want, ErrRole)
}

// A Binding says that something trusted binds a key to the role that it is
// wanted for: a signer set its keys to that of a verifier, a log's folder its
// own. Such a key needs no certificate.
type Binding func(crypto.PublicKey) bool

// settle is the role of a key that is wanted for one: what the key states, or
// else what was given with its reference, or the one wanted if something
// trusted binds the key to it.
func (want Role) settle(stated, given Role, pub crypto.PublicKey, bound []Binding) (Role, error) {
	switch {
	case stated != "" && given != "" && stated != given:
		return "", fmt.Errorf("this is a key of the %s, not of the %s: %w", stated, given, ErrRole)
	case stated == "" && given != "":
		stated = given
	case stated == "" && slices.ContainsFunc(bound, func(is Binding) bool { return is(pub) }):
		stated = want
	}
	return stated, want.Takes(stated)
}

// An Algorithm is a kind of key.
type Algorithm string

// The algorithms.
const (
	P256      Algorithm = "p256"      // ECDSA on P-256: the default
	Secp256k1 Algorithm = "secp256k1" // ECDSA on secp256k1, for ledgers that verify nothing else
	Ed25519   Algorithm = "ed25519"   // for the log
)

// Algorithms are all of them.
func Algorithms() []Algorithm { return []Algorithm{P256, Secp256k1, Ed25519} }

// Default is the algorithm of a role's keys where none is chosen.
func (r Role) Default() Algorithm {
	if r == Log {
		return Ed25519 // what every verifier of checkpoints knows
	}
	return P256
}

// Allows refuses an algorithm that nothing in a role could use.
func (r Role) Allows(a Algorithm) error {
	allowed := Algorithms()
	switch r {
	case Operator, Worker:
		allowed = []Algorithm{P256} // of the protocol's documents
	case Log:
		allowed = []Algorithm{Ed25519}
	case Transport:
		allowed = []Algorithm{P256, Ed25519} // of TLS
	}
	if !slices.Contains(allowed, a) {
		if !slices.Contains(Algorithms(), a) {
			return fmt.Errorf("algorithm %.40q is not one of %v", a, Algorithms())
		}
		return fmt.Errorf("algorithm %s: a key of the %s is one of %v", a, r, allowed)
	}
	return nil
}
