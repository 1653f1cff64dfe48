package proofs

import "fmt"

// An Error says why a statement, an envelope or a bundle was refused.
type Error struct {
	// Class is one of the failure classes of SPEC.md, e.g. "high-s". Programs
	// may rely on it; it never changes for the same fault.
	Class string
	// Field is the path of the field at fault, e.g. "signatures[0].sig".
	Field string
	// Reason says what is wrong with the field.
	Reason string
}

// Error is the field and the reason.
func (e *Error) Error() string { return "field " + e.Field + ": " + e.Reason }

func refuse(class, field, format string, args ...any) error {
	return &Error{Class: class, Field: field, Reason: fmt.Sprintf(format, args...)}
}
