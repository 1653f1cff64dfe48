package cli

import (
	"errors"
	"fmt"
	"strings"
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitWith ends the run with a code and no message: the data said it all.
type exitWith int

func (e exitWith) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// hinted is an error and what to do about it.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// hint adds to an error what to do about it.
func hint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// line writes to standard error where no progress bar overwrites it.
type line struct{ app *app }

func (l line) Write(text []byte) (int, error) {
	l.app.terminal.Lock()
	defer l.app.terminal.Unlock()
	if l.app.bar != nil {
		_ = l.app.bar.Clear() // a bar that cannot be cleared is no reason to stop working
	}
	return l.app.stderr.Write(text)
}

// complain says what went wrong, and what to do about it.
func (a *app) complain(err error, exit int) {
	err = explained(err)
	if a.structured() {
		a.tell("error", failureOf(err, exit))
		return
	}
	a.note("%s", messageOf(err))
	var h *hinted
	if errors.As(err, &h) {
		a.note("hint: %s", h.hint)
	}
}

// messageOf is an error in one line.
func messageOf(err error) string {
	message, _, _ := strings.Cut(err.Error(), "\n\n") // cobra adds suggestions as a paragraph
	return strings.ReplaceAll(message, "\n", "; ")    // several errors at once
}

// note writes one message line. There is nobody to tell if standard error is
// gone.
func (a *app) note(format string, args ...any) {
	if a.structured() {
		a.tell("note", fmt.Sprintf(format, args...))
		return
	}
	_, _ = fmt.Fprintf(line{a}, "verifyd: "+format+"\n", args...)
}
