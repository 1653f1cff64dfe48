package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Error is a refusal: of which class, of which file, where in it, and why.
type Error struct {
	Class Class
	// File is the name that the reader knows the source by; empty where there is no file.
	File string
	// Field is the part of the file at fault, the outermost first, e.g. "order.rule" or
	// `header: tensor "x": shape`; empty if it is the file as a whole.
	Field string
	// Reason says what is wrong.
	Reason string

	cause error
}

// New returns an error. Format is fmt.Errorf's, and may wrap one cause.
func New(class Class, file, field, format string, args ...any) error {
	reason := fmt.Errorf(format, args...)
	return &Error{Class: class, File: file, Field: field, Reason: reason.Error(), cause: errors.Unwrap(reason)}
}

// Error is file, field and reason.
func (e *Error) Error() string { return join(e.File, join(e.Field, e.Reason)) }

// Unwrap returns the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.cause }

// In says in which file err is, in place of the name that err has for it. It keeps err's class and wraps
// err. In of nil is nil.
func In(file string, err error) error {
	if err == nil {
		return nil
	}
	e := from(err)
	e.File = file
	return e
}

// Under puts field in front of err's own. It keeps err's class and file and wraps err. Under of nil is nil.
func Under(field string, err error) error {
	if err == nil {
		return nil
	}
	e := from(err)
	e.Field = join(field, e.Field)
	return e
}

// As gives err the class of what was being read, unless it has a class of its own: a text that a library
// refused, say, is of BadForm. As of nil is nil.
func As(class Class, err error) error {
	if err == nil || Of(err) != Internal {
		return err
	}
	e := from(err)
	e.Class = class
	return e
}

// Truncated gives an error of reading from a source that ended early its class, and returns any other as
// it is.
func Truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return New(BadLength, "", "", "the file is truncated: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// Of is the class of err: that of the outermost Error in it. Of other errors those of a context are
// Interrupted, missing files are Missing, and all else is Internal. It is empty for nil.
func Of(err error) Class {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return Interrupted
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, fs.ErrNotExist):
		return Missing
	}
	return Internal
}

// from is err as an Error of its own that wraps err.
func from(err error) *Error {
	if e, ok := err.(*Error); ok {
		return &Error{e.Class, e.File, e.Field, e.Reason, e}
	}
	return &Error{Class: Of(err), Reason: err.Error(), cause: err}
}

func join(outer, inner string) string {
	if outer == "" || inner == "" {
		return outer + inner
	}
	return outer + ": " + inner
}
