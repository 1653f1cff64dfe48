package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
)

func TestAnErrorReadsFileFieldReason(t *testing.T) {
	inner := fault.New(fault.OutOfRange, "", "rate", "%d is below %d", 1, 2)
	for want, err := range map[string]error{
		"rate: 1 is below 2":                            inner,
		"p.json: rate: 1 is below 2":                    fault.In("p.json", inner),
		"p.json: schedule: rate: 1 is below 2":          fault.In("p.json", fault.Under("schedule", inner)),
		"p.json: graph: schedule: 1 is below 2":         fault.Under("graph", fault.New(fault.OutOfRange, "p.json", "schedule", "1 is below 2")),
		"q.json: rate: 1 is below 2":                    fault.In("q.json", fault.In("p.json", inner)),
		"p.json: not there":                             fault.In("p.json", errors.New("not there")),
		"p.json: the file is truncated: unexpected EOF": fault.In("p.json", fault.Truncated(io.EOF)),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestAnErrorKeepsItsClassAndItsCausesWhereverItPasses(t *testing.T) {
	sentinel := fault.New(fault.DeviceFailed, "", "", "device failed")
	err := fmt.Errorf("bundle: %w", fault.In("f", fault.Under("x", fmt.Errorf("%w: step 3: %w", sentinel, io.ErrClosedPipe))))
	if fault.Of(err) != fault.DeviceFailed || !errors.Is(err, sentinel) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v: %s", err, fault.Of(err))
	}
	var e *fault.Error
	if !errors.As(err, &e) || e.File != "f" || e.Field != "x" || e.Reason != "device failed: step 3: io: read/write on closed pipe" {
		t.Errorf("%+v", e)
	}
	if sentinel.Error() != "device failed" {
		t.Errorf("naming its file changed the error itself: %v", sentinel)
	}
	wrapped := fault.New(fault.Missing, "f", "", "the file is missing: %w", fs.ErrNotExist)
	if !errors.Is(fault.In("g", wrapped), fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestAnErrorWithoutAClassIsThisMachines(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Class
	}{
		{nil, ""},
		{errors.New("input/output error"), fault.Internal},
		{fs.ErrPermission, fault.Internal},
		{fs.ErrNotExist, fault.Missing},
		{fmt.Errorf("step 3: %w", context.Canceled), fault.Interrupted},
		{fault.In("f", context.DeadlineExceeded), fault.Interrupted},
		{fault.As(fault.BadForm, errors.New("odd")), fault.BadForm},
		{fault.As(fault.BadForm, context.Canceled), fault.Interrupted},
		{fault.As(fault.BadForm, fault.New(fault.BadKey, "", "", "odd")), fault.BadKey},
		{errors.Join(errors.New("x"), fault.New(fault.BadKey, "", "", "odd")), fault.BadKey},
	} {
		if got := fault.Of(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	if fault.In("f", nil) != nil || fault.Under("f", nil) != nil || fault.As(fault.BadForm, nil) != nil || fault.Truncated(nil) != nil {
		t.Error("an error out of none")
	}
	if fault.Class("").Blames() != fault.Machine || fault.Internal.Blames() != fault.Machine || fault.BadForm.Blames() != fault.Bundle {
		t.Error("blame")
	}
}

func TestClassesAreListedOnce(t *testing.T) {
	seen := map[fault.Class]bool{}
	for _, c := range fault.Classes() {
		if seen[c] {
			t.Errorf("%s twice", c)
		}
		seen[c] = true
	}
}
