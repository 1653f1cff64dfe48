package gpu

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/verifyd/verifyd/cgo"
)

// classes are those of package cgo; a failure names them by their place here.
var classes = [...]error{
	cgo.ErrNoDriver, cgo.ErrOldDriver, cgo.ErrNoDevice, cgo.ErrUnavailable, cgo.ErrUnsupported, cgo.ErrOutOfMemory, cgo.ErrBadModule,
	cgo.ErrInvalid, cgo.ErrSticky, cgo.ErrECC, cgo.ErrTimeout, cgo.ErrLost, cgo.ErrClosed, cgo.ErrDriver,
}

const maxFailure = 4096 // bytes of an encoded failure

// failure is an error of a child. It is of the classes of package cgo that the child's error was of.
type failure struct {
	text    string
	classes []error
}

func (f *failure) Error() string { return f.text }

// Unwrap returns the classes.
func (f *failure) Unwrap() []error { return f.classes }

// fatal says that a child ends with this failure.
func fatal(f *failure) bool { return errors.Is(f, cgo.ErrSticky) || errors.Is(f, cgo.ErrLost) }

// fail is a failure that the parent finds by itself.
func fail(class error, format string, args ...any) *failure {
	return &failure{fmt.Sprintf("%v: %s", class, fmt.Sprintf(format, args...)), []error{class}}
}

// encodeFailure writes the number of classes, the classes and the text, as much of it as fits.
func encodeFailure(err error) []byte {
	data := []byte{0}
	for i, c := range classes {
		if errors.Is(err, c) {
			data[0]++
			data = append(data, byte(i))
		}
	}
	return append(data, err.Error()[:min(len(err.Error()), maxFailure-len(data))]...)
}

func decodeFailure(data []byte) (*failure, error) {
	if len(data) < 1 || len(data) > maxFailure || len(data)-1 < int(data[0]) {
		return nil, fmt.Errorf("%w: a failure of %d bytes", errProtocol, len(data))
	}
	f := &failure{text: plain(string(data[1+data[0]:]))}
	for _, i := range data[1 : 1+data[0]] {
		if int(i) >= len(classes) {
			return nil, fmt.Errorf("%w: class %d of a failure", errProtocol, i)
		}
		f.classes = append(f.classes, classes[i])
	}
	return f, nil
}

// plain is text without what a terminal might obey.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == utf8.RuneError:
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, text)
}
