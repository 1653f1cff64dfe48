package gpu

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

func FuzzRoutine(f *testing.F) {
	for _, r := range routines(f)[:3] {
		data, err := encodeRoutine(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRoutine(data)
		if err != nil {
			return
		}
		again, err := encodeRoutine(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > len(data) {
			t.Errorf("%d bytes became %d", len(data), len(again))
		}
		if _, err := decodeRoutine(again); err != nil {
			t.Error(err)
		}
	})
}

func FuzzFailure(f *testing.F) {
	f.Add(encodeFailure(&cgo.Error{Call: "cuMemAlloc_v2", Code: 2, Class: []error{cgo.ErrOutOfMemory}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := decodeFailure(data); err == nil && len(encodeFailure(got)) > maxFailure {
			t.Errorf("%q", got)
		}
		_, _ = parseGreeting(data)
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(make([]byte, answerSize), 0)
	f.Fuzz(func(t *testing.T, data []byte, length int) {
		if len(data) != answerSize {
			return
		}
		if a, err := parseAnswer((*[answerSize]byte)(data), length); err == nil && a.status == statusFailed && a.length > maxFailure {
			t.Errorf("%+v", a)
		}
	})
}

// FuzzSession lets a session answer whatever comes: it neither panics nor allocates what it did not get.
func FuzzSession(f *testing.F) {
	f.Add(requests(request{op: opOpen, a: 8}, request{op: opWrite, length: 4, a: 1}, request{op: opRead, b: 2}, request{op: opClose}))
	data, err := encodeRoutine(routines(f)[1])
	if err != nil {
		f.Fatal(err)
	}
	recorded := append(requests(request{op: opOpen, a: 1 << 20}, request{op: opRecord, length: uint32(len(data))})[:2*requestSize], data...)
	f.Add(append(recorded, requests(request{op: opRun})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var answers bytes.Buffer
		conn := struct {
			io.Reader
			io.Writer
			io.Closer
		}{bytes.NewReader(data), &answers, io.NopCloser(nil)}
		s := sound(&idle{})
		s.Open = func(_ context.Context, words int) (engine.Accelerator, error) {
			if words > 1<<20 {
				return nil, errors.New("more than this machine has")
			}
			return &idle{}, nil
		}
		if err := s.serve(t.Context(), conn); err != nil && !errors.Is(err, errProtocol) {
			t.Error(err)
		}
	})
}
