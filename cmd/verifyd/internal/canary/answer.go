package canary

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Version is the only version of answers that this version of verifyd knows.
const Version = "verifyd-canary/1"

// MaxSize bounds an answer in bytes.
const MaxSize = 1 << 16

// Kind is what is false about a canary.
type Kind string

// The kinds.
const (
	Good  Kind = "good"  // nothing
	Bad   Kind = "bad"   // one bit after one step
	Cheap Kind = "cheap" // a jump to a state that is cheap to train from, and one back before the last segment
)

// lies is how many steps of a canary are false.
var lies = map[Kind]int{Good: 0, Bad: 1, Cheap: 2}

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Good, Bad, Cheap} }

// Answer is what the operator knows of a canary. Nobody else has it before the verdicts are there.
type Answer struct {
	Version    string      `json:"version"`
	Kind       Kind        `json:"kind"`
	Job        merkle.Hash `json:"job"`
	Assignment merkle.Hash `json:"assignment"`
	Worker     merkle.Hash `json:"worker"` // key id
	Slot       uint32      `json:"slot"`
	Root       merkle.Hash `json:"root"`  // of the claim
	False      []uint64    `json:"false"` // steps, ascending
	Salt       merkle.Hash `json:"salt"`  // so that the seal does not tell the answer
}

// Encode gives the answer a salt and returns it as a file.
func (a *Answer) Encode() ([]byte, error) {
	_, _ = rand.Read(a.Salt[:]) // never fails
	if a.False == nil {
		a.False = []uint64{}
	}
	return document.Encode(a)
}

// Seal is the hash of an answer's file. Whoever publishes it before the draw cannot have another answer afterwards.
func Seal(file []byte) merkle.Hash { return sha256.Sum256(file) }

// Read reads an answer. Errors begin with file.
func Read(file string, data []byte) (*Answer, error) {
	if len(data) > MaxSize {
		return nil, fault.New(fault.TooLarge, file, "", "%d bytes, the limit is %d", len(data), MaxSize)
	}
	a, err := document.Decode[Answer](file, data)
	if err != nil {
		return nil, err
	}
	want, known := lies[a.Kind]
	switch {
	case a.Version != Version:
		return nil, fault.New(fault.UnknownVersion, file, "version", "%.60q, %q is needed", a.Version, Version)
	case !known:
		return nil, fault.New(fault.OutOfRange, file, "kind", "%.60q is none of %v", string(a.Kind), Kinds())
	case len(a.False) != want:
		return nil, fault.New(fault.OutOfRange, file, "false", "%d steps, one that is %s has %d", len(a.False), a.Kind, want)
	}
	for i := 1; i < len(a.False); i++ {
		if a.False[i-1] >= a.False[i] {
			return nil, fault.New(fault.OutOfRange, file, "false", "steps %d are not ascending", a.False)
		}
	}
	return &a, nil
}
