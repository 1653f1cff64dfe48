package cli

import (
	"errors"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
)

// failures say how the command ends on an error of verify, by its class: with
// which exit code, and with which hint. A class that is not here ends with
// exitError and has none.
var failures = map[fault.Class]struct {
	exit int
	hint func(err error) error
}{
	fault.BadSignature:  {exitError, explainSignature},
	fault.Undated:       {exitError, explainDate},
	fault.Missing:       {exitError, explainMissing},
	fault.NotOpenedYet:  {exitError, explainSilence},
	fault.TooMuchMemory: {exitError, explainMemory},
	fault.DeviceFailed:  {exitError, explainGPU},
}

// exitOf is the exit code of an error.
func exitOf(err error) int {
	if f, ok := failures[fault.Of(err)]; ok {
		return f.exit
	}
	return exitError
}

// explained adds to an error what to do about it, unless whoever met it has.
func explained(err error) error {
	var h *hinted
	f, ok := failures[fault.Of(err)]
	if !ok || errors.As(err, &h) {
		return err
	}
	return f.hint(err)
}

// fileOf is the file that an error is about; empty if it names none.
func fileOf(err error) string {
	var refused *fault.Error
	if errors.As(err, &refused) {
		return refused.File
	}
	return ""
}

func explainSignature(err error) error {
	const changed = "the file was changed after it was signed"
	switch fileOf(err) {
	case verify.RegistrationProofFile, verify.AssignmentProofFile, verify.ReceiptProofFile, verify.OpenedProofFile, verify.OpeningProofFile:
		return hint(err, "the proof is of another log or lacks cosignatures that the job asks for: the operator has the one that was cosigned, or "+changed)
	case verify.JobFile, verify.RegistrationFile, verify.AssignmentFile, verify.ReceiptFile, verify.OpenedFile:
		return hint(err, "the key given is not the operator's, or "+changed)
	case verify.ClaimFile, verify.OpeningFile:
		return hint(err, "another key than the worker's signed it, or "+changed)
	}
	return hint(err, "the key given is not the verifier's, or "+changed)
}

func explainDate(err error) error {
	switch fileOf(err) {
	case verify.OpenedProofFile:
		return hint(err, "an older proof may have been cosigned in time; else the worker's own entry counts: verifyd train enter")
	case verify.RegistrationProofFile:
		return hint(err, "an older proof may have been cosigned in time; else no claim to this assignment is judged")
	case verify.ReceiptProofFile:
		return hint(err, "an older proof may have been cosigned in time; else the operator renews the receipt: verifyd job receipt --renew")
	}
	return hint(err, "an older proof may have been cosigned in time")
}

// explainMissing knows of the files that only some jobs ask for.
func explainMissing(err error) error {
	switch fileOf(err) {
	case verify.RegistrationFile, verify.RegistrationProofFile, verify.AssignmentProofFile, verify.ReceiptProofFile, verify.OpenedProofFile:
		return hint(err, "the job names a log: the operator hands this file out beside the document that it is of")
	}
	return err
}

func explainSilence(err error) error {
	return hint(err, "a claim that is not opened by its deadline is a FAIL, but the deadline is not over")
}
