package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// kind is what a record is of.
type kind string

// The kinds.
const (
	registration kind = "registration"
	assignment   kind = "assignment"
	receipt      kind = "receipt"
	ended        kind = "ended" // an assignment without a claim
	opening      kind = "opening"
)

// Slot is what an assignment is for.
type Slot struct {
	Job    merkle.Hash `json:"job"`    // digest of the job
	Worker merkle.Hash `json:"worker"` // id of the worker's key
	Slot   uint32      `json:"slot"`
}

// record is a file of the registry.
type record struct {
	Version string `json:"version"`
	Kind    kind   `json:"kind"`
	Slot
	// About is what the document was given for: what has it again gets the document again.
	About    merkle.Hash `json:"about"`
	Number   uint32      `json:"number"`   // of a receipt, or of that which an opening answers: how many came before it
	Previous merkle.Hash `json:"previous"` // of a receipt that follows another, and of an opening: SHA-256 of that receipt's file
	Time     int64       `json:"time"`     // of an end, Unix time in seconds
	Document []byte      `json:"document"` // what is signed, as it was given
}

// name is the digest that a slot's record number n is kept under, in the folder of its kind.
func (s Slot) name(n uint32) merkle.Hash {
	msg := append([]byte("verifyd/registry/slot/v1\x00"), s.Job[:]...)
	msg = append(msg, s.Worker[:]...)
	msg = binary.BigEndian.AppendUint32(msg, s.Slot)
	return sha256.Sum256(binary.BigEndian.AppendUint32(msg, n))
}

// openingName is the digest that the record of the opening to a receipt is kept under, by the SHA-256 of its file.
func openingName(received merkle.Hash) merkle.Hash {
	return sha256.Sum256(append([]byte("verifyd/registry/opening/v1\x00"), received[:]...))
}

// lookup reads a record; nil if there is none.
func (r *Registry) lookup(folder string, name merkle.Hash) (*record, error) {
	data, err := r.find(folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parse(folder, name, data)
}

// parse reads a record. Damage is an error: it never means that nothing was given.
func parse(folder string, name merkle.Hash, data []byte) (*record, error) {
	rec, err := document.Decode[record]("", data)
	if err == nil && rec.Version != Version {
		err = fmt.Errorf("version %.60q, %q is needed", rec.Version, Version)
	}
	if err != nil {
		return nil, damaged(folder, name, err)
	}
	return &rec, nil
}

// settle keeps a record unless one is there already, and returns the one that is kept.
func (r *Registry) settle(folder string, name merkle.Hash, rec record) (*record, error) {
	if len(rec.Document) > MaxDocument {
		return nil, refuse(TooLarge, "%s: %d bytes, the limit is %d", rec.Kind, len(rec.Document), MaxDocument)
	}
	rec.Version = Version
	data, err := document.Encode(rec)
	if err != nil {
		return nil, err
	}
	kept, err := r.keep(folder, name, data)
	if err != nil {
		return nil, err
	}
	return parse(folder, name, kept)
}

// give returns the document that is kept under a name, which sign makes if there is none. It refuses if the one that
// is kept is of another kind, or about anything else.
func (r *Registry) give(folder string, name merkle.Hash, want record, sign func() ([]byte, error)) ([]byte, error) {
	rec, err := r.lookup(folder, name)
	if err == nil && rec == nil {
		if want.Document, err = sign(); err == nil {
			rec, err = r.settle(folder, name, want)
		}
	}
	if err == nil {
		err = rec.refuse(want)
	}
	if err != nil {
		return nil, err
	}
	return rec.Document, nil
}

// refuse says why the record that is kept is not the one that is wanted; nil if it is.
func (rec *record) refuse(want record) error {
	switch {
	case rec.Kind != want.Kind:
		return refuse(Ended, "the assignment of %v ended without a claim at %s", rec.Slot, clock(rec.Time))
	case rec.About != want.About || rec.Previous != want.Previous:
		return refuse(Given, "%v has the one %s that there is, ever, and it is for %v", rec.Slot, rec.Kind, rec.About)
	}
	return nil
}
