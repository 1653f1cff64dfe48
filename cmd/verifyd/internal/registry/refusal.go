package registry

import (
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Class is why a registry refuses. The set is closed. Programs may map classes to what a worker is told.
type Class string

// The classes.
const (
	Given       Class = "already-given" // the one that there is was given for something else
	Ended       Class = "ended"         // the assignment ended without a claim
	NotAssigned Class = "not-assigned"  // the job, worker and slot have no assignment
	NotReceived Class = "not-received"  // the claim has no receipt, or not the one that is named
	TooLarge    Class = "too-large"     // over a limit of the registry
	Damaged     Class = "damaged"       // what the registry itself wrote is not what it was: nobody who asks is to blame
)

// Refusal is an error of a class.
type Refusal struct {
	Class  Class
	Reason string
}

func (r *Refusal) Error() string { return "registry: " + r.Reason }

// ClassOf is the class of an error; empty if it has none, which is an error of the file system.
func ClassOf(err error) Class {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Class
	}
	return ""
}

func refuse(class Class, format string, args ...any) error {
	return &Refusal{class, fmt.Sprintf(format, args...)}
}

// damaged is the refusal of a file of the registry.
func damaged(folder string, name merkle.Hash, reason any) error {
	return refuse(Damaged, "%s/%s is damaged: %v", folder, name, reason)
}

// misplaced is a refusal unless a record fits.
func misplaced(folder string, name merkle.Hash, fits bool) error {
	if fits {
		return nil
	}
	return damaged(folder, name, "it does not follow from what is there before it, or lies under another's name")
}

// String names a slot in messages.
func (s Slot) String() string {
	return fmt.Sprintf("job %v, worker %v, slot %d", s.Job, s.Worker, s.Slot)
}
