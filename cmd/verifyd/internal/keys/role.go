package keys

import (
	"errors"
	"fmt"
	"slices"
)

// A Role is what a key is for. The zero role stands for any.
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

// Takes refuses a key that states another role than it is wanted for.
func (want Role) Takes(stated Role) error {
	if want != "" && stated != "" && stated != want {
		return fmt.Errorf("this is a key of the %s, want one of the %s: %w", stated, want, ErrRole)
	}
	return nil
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
