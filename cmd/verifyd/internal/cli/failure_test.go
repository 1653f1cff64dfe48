package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
)

func TestWhatToDoFollowsFromTheClassOfAnError(t *testing.T) {
	refused := func(class fault.Class, file string) error {
		return fmt.Errorf("bundle: %w", fault.New(class, file, "", "refused"))
	}
	for _, c := range []struct {
		err  error
		hint string
	}{
		{refused(fault.BadSignature, verify.JobFile), "not the operator's"},
		{refused(fault.BadSignature, verify.ClaimFile), "than the worker's"},
		{refused(fault.BadSignature, "verdict7.json"), "not the verifier's"},
		{refused(fault.BadSignature, verify.ReceiptProofFile), "lacks cosignatures"},
		{refused(fault.BadSignature, verify.RegistrationProofFile), "lacks cosignatures"},
		{refused(fault.BadSignature, verify.RegistrationFile), "not the operator's"},
		{refused(fault.Undated, verify.RegistrationProofFile), "no claim to this assignment"},
		{refused(fault.Undated, verify.AssignmentProofFile), "older proof"},
		{refused(fault.Undated, verify.ReceiptProofFile), "--renew"},
		{refused(fault.Undated, verify.OpenedProofFile), "train enter"},
		{refused(fault.NotOpenedYet, verify.OpeningFile), "the deadline is not over"},
		{refused(fault.Missing, verify.ReceiptProofFile), "the job names a log"},
		{refused(fault.Missing, verify.OpeningFile), ""},
		{refused(fault.Missing, verify.JobFile), ""},
		{fmt.Errorf("open key.pem: %w", fs.ErrNotExist), ""},
		{&verify.MemoryError{Need: 3 << 20, Limit: 1}, "--max-memory 3MiB"},
		{fmt.Errorf("step 3: %w", engine.ErrDevice), "--device cpu"},
		{hint(refused(fault.BadSignature, verify.JobFile), "said before"), "said before"},
		{context.Canceled, ""},
		{errors.New("disk full"), ""},
	} {
		var h *hinted
		got := ""
		if err := explained(c.err); errors.As(err, &h) {
			got = h.hint
		}
		if (got == "") != (c.hint == "") || !strings.Contains(got, c.hint) {
			t.Errorf("%v: hint %q, want %q", c.err, got, c.hint)
		}
		if exitOf(c.err) != exitError {
			t.Errorf("%v: exit code %d", c.err, exitOf(c.err))
		}
	}
	for class := range failures {
		if !slices.Contains(fault.Classes(), class) {
			t.Errorf("%s is no class", class)
		}
	}
}
