package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
)

// maxProofFile bounds what the proof commands read, in bytes. That of an
// envelope is lower.
const maxProofFile = bundle.MaxSize

// accountForm says in the help of commands what proofs.ParseAccount takes.
const accountForm = "an EVM address, or 0x and 64 hex digits"

func (a *app) proofCommand() *cobra.Command {
	return group("proof", "Show, check, sign and bundle proofs",
		a.proofShowCommand(), a.proofVerifyCommand(), a.proofSignCommand(), a.proofRevokeCommand(), a.proofEpochCommand(), a.proofBundleCommand(),
		a.proofPayoutCommand(), a.proofExportCommand())
}

func (a *app) proofShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Print what a statement or a .vproof bundle says, without asking who signed it",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			f, err := readProofFile(args[0])
			if err != nil {
				return err
			}
			env := f.envelope
			if f.bundle != nil {
				env = f.bundle.Contribution
			}
			s, err := proofs.Parse(env.Type, env.Body)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			a.note("%s: signature not checked; use verifyd proof verify", args[0])
			if f.bundle != nil {
				a.note("%s: %s", args[0], contents(f.bundle))
			}
			return a.emitStatement(s)
		}),
	}
}

// proofFile is one of the two files that hold proofs.
type proofFile struct {
	bundle   *bundle.Bundle
	envelope *proofs.Envelope
}

// readProofFile reads an envelope or a bundle, which begin differently.
func readProofFile(path string) (f proofFile, err error) {
	data, err := readFile(path, maxProofFile)
	if err != nil {
		return f, err
	}
	if bytes.HasPrefix(data, []byte(`{"bundle":`)) {
		f.bundle, err = bundle.Parse(data)
	} else {
		f.envelope, err = proofs.ParseEnvelope(data)
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// readProof reads a signed statement.
func readProof(path string) (*proofs.Envelope, error) {
	f, err := readProofFile(path)
	if err == nil && f.envelope == nil {
		err = fmt.Errorf("%s: is a bundle, want a signed statement", path)
	}
	return f.envelope, err
}

// contents says what a bundle has besides its contribution.
func contents(b *bundle.Bundle) string {
	parts := []string{fmt.Sprintf("a bundle by signer set %d", b.SignerSet)}
	if b.EpochRoot != nil {
		parts = append(parts, fmt.Sprintf("with an epoch root of %d signatures", len(b.EpochRoot.Signatures)))
	}
	if b.Merkle != nil {
		parts = append(parts, fmt.Sprintf("a path of length %d", len(b.Merkle)))
	}
	if b.Log != nil {
		parts = append(parts, "log proofs")
	}
	if len(b.Attachments) > 0 {
		parts = append(parts, fmt.Sprintf("attachments: %d", len(b.Attachments)))
	}
	return strings.Join(parts, ", ")
}

// explainSigners adds to an error about signatures who the file says signed.
func explainSigners(err error, env *proofs.Envelope) error {
	var fault *proofs.Error
	if errors.As(err, &fault) && (fault.Class == "wrong-signer-set" || fault.Class == "bad-signature") {
		return hint(err, "the file says that it was signed by %s", signers(env))
	}
	return err
}

// signers is the key ids that an envelope states.
func signers(env *proofs.Envelope) string {
	var ids []string
	for _, sig := range env.Signatures {
		ids = append(ids, sig.KeyID.String())
	}
	return strings.Join(ids, ", ")
}

// kindOf is what people call a statement.
func kindOf(s proofs.Statement) string {
	switch s.(type) {
	case proofs.Contribution:
		return "contribution proof"
	case proofs.EpochRoot:
		return "epoch root"
	case proofs.Revocation:
		return "revocation"
	case proofs.SignerSet:
		return "signer set"
	}
	return "document"
}

// emitStatement writes a statement: people get what matters first, and the
// fields of other kinds as they are.
func (a *app) emitStatement(s proofs.Statement) error {
	view := json.RawMessage(proofs.View(s))
	if c, ok := s.(proofs.Contribution); ok {
		a.noteFixed(c)
	}
	return a.emit(view, func(w io.Writer) {
		if c, ok := s.(proofs.Contribution); ok {
			contributionText(w, c)
			return
		}
		viewText(w, view)
	})
}

// viewText writes a view's fields in their order. A view is an object of
// strings, so its tokens are names and values by turns.
func viewText(w io.Writer, view json.RawMessage) {
	tokens := json.NewDecoder(strings.NewReader(string(view)))
	var name string
	for {
		token, err := tokens.Token()
		text, ok := token.(string)
		switch {
		case err != nil:
			return
		case !ok:
		case name == "":
			name = text
		default:
			row(w, name, text)
			name = ""
		}
	}
}

func contributionText(w io.Writer, c proofs.Contribution) {
	row(w, "verdict", c.Verdict)
	row(w, "steps", fmt.Sprintf("%d claimed, %d replayed, %d failed", c.StepsClaimed, c.StepsReplayed, c.StepsFailed))
	row(w, "units", fmt.Sprintf("%s, cumulative %s", c.Units, c.CumulativeUnits))
	row(w, "shapley", fmt.Sprintf("%s, standard error %s (1e-9)", c.Shapley, c.StdErr))
	row(w, "audience", c.Audience)
	row(w, "pool", c.PoolID)
	row(w, "epoch", c.Epoch)
	row(w, "task", c.TaskID)
	row(w, "worker", c.WorkerID)
	row(w, "slot", c.Slot)
	row(w, "account", c.Account)
	row(w, "policy", c.PolicyHash)
	row(w, "evidence", c.EvidenceRoot)
	row(w, "engine", c.EngineHash)
	row(w, "sample seed", c.SampleSeed)
	row(w, "beacon", chainText(c.Beacon))
	row(w, "nullifier", c.Nullifier())
	row(w, "issued at", time.Unix(int64(c.IssuedAt), 0).UTC().Format(time.RFC3339))
}
