package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/trace"
)

// tellResumed says what of a folder is kept.
func (a *app) tellResumed(k trace.Kept, total uint64) {
	switch {
	case k.Damage != nil:
		a.note("resumed at step %d of %d: what follows is made again, or kept where it is sound: %v", k.Steps, total, k.Damage)
	case k.Steps == total:
		a.note("finished before: all %d steps are kept", total)
	default:
		a.note("resumed at step %d of %d, %d repeated", k.Steps, total, k.Repeated)
	}
}

// tellKept says how to go on with a trace.
func (a *app) tellKept(out string) {
	a.note("%s keeps what was done: the same command goes on with it", out)
}

// leaveClaim signs the claim to a trace and puts it beside that, with the assignment and what shows when that was given. All of it is
// on the disk then. A claim that is there already stays.
func leaveClaim(t *offer, s trace.Summary, a *assigned, key *keys.Signer, out string) error {
	claim, err := claimOf(t, s, a, key, filepath.Join(out, verify.ClaimFile))
	if err != nil {
		return err
	}
	if err := leave(filepath.Join(out, verify.AssignmentFile), a.file); err != nil {
		return err
	}
	if err := leave(filepath.Join(out, verify.ClaimFile), claim); err != nil {
		return err
	}
	err = carry(map[string]string{
		a.path + proofSuffix:                      filepath.Join(out, verify.AssignmentProofFile),
		a.path + registrationSuffix:               filepath.Join(out, verify.RegistrationFile),
		a.path + registrationSuffix + proofSuffix: filepath.Join(out, verify.RegistrationProofFile),
	}, leave)
	if err != nil {
		return err
	}
	return trace.Sync(out)
}

// claimOf is the claim at path, if one is there and sound, or else a new one. It signs no second one that says something else.
func claimOf(t *offer, s trace.Summary, a *assigned, key *keys.Signer, path string) ([]byte, error) {
	signed, err := verify.Claim(t.Terms, s, a.Slot, key)
	if err != nil {
		return nil, err
	}
	_, want, err := trace.ReadClaim(path, signed)
	if err != nil {
		return nil, err
	}
	there, err := readFile(path, document.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return signed, nil
	case err != nil:
		return nil, err
	}
	said, digest, err := trace.ReadClaim(path, there)
	switch {
	case err != nil: // it was not written to its end, or is damaged
		return signed, nil
	case digest != want:
		return nil, fault.New(fault.WrongClaim, path, "", "it claims root %v, the trace has %v: for one slot there is one claim", said.Root, s.Root)
	}
	return there, nil
}

// leave writes a file whole or not at all, in place of any that is there.
func leave(path string, data []byte) error {
	unfinished := path + ".unfinished"
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(unfinished))
	}
	return os.Rename(unfinished, path)
}
