package cli

import "fmt"

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

// clearBar makes room for a line.
func (a *app) clearBar() {
	if a.bar != nil {
		_ = a.bar.Clear() // a bar that cannot be cleared is no reason to stop working
	}
}

// note writes one message line. There is nobody to tell if standard error is
// gone.
func (a *app) note(format string, args ...any) {
	a.clearBar()
	_, _ = fmt.Fprintf(a.stderr, "verifyd: "+format+"\n", args...)
}
