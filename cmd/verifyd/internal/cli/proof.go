package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

// maxProofFile bounds what the proof commands read, in bytes. The format's own
// limits are lower.
const maxProofFile = 256 << 10

func (a *app) proofCommand() *cobra.Command {
	return group("proof", "Show, check and sign contribution proofs", a.proofShowCommand(), a.proofVerifyCommand(), a.proofSignCommand())
}

func (a *app) proofShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Print what a proof states, without asking who signed it",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			env, err := readProof(args[0])
			if err != nil {
				return err
			}
			s, err := proofs.Parse(env.Type, env.Body)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			a.note("%s: signature not checked; use verifyd proof verify", args[0])
			return a.emitStatement(s)
		}),
	}
}

func (a *app) proofVerifyCommand() *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "verify FILE --key KEY.pub",
		Short: "Check that a proof is signed by a key, and print what it states",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			env, err := readProof(args[0])
			if err != nil {
				return err
			}
			pub, err := readPublic(keyFile, keys.Verifier)
			if err != nil {
				return err
			}
			key, err := proofs.NewKey(pub)
			if err != nil {
				return fmt.Errorf("%s: %w", keyFile, err)
			}
			s, err := proofs.Verify[proofs.Statement](env, 1, key)
			if err != nil {
				return explainSigners(fmt.Errorf("%s: %w", args[0], err), env)
			}
			a.note("%s: signed by %s", args[0], signers(env))
			return a.emitStatement(s)
		}),
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "public key (PEM) of the verifier that must have signed it")
	_ = cmd.MarkFlagRequired("key") // fails only for a flag that is not there
	return cmd
}

// readProof reads a proof file of at most its limit.
func readProof(path string) (*proofs.Envelope, error) {
	data, err := readFile(path, maxProofFile)
	if err != nil {
		return nil, err
	}
	env, err := proofs.ParseEnvelope(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return env, nil
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
	row(w, "account", c.Account)
	row(w, "policy", c.PolicyHash)
	row(w, "evidence", c.EvidenceRoot)
	row(w, "engine", c.EngineHash)
	row(w, "sample seed", c.SampleSeed)
	row(w, "nullifier", c.Nullifier())
	row(w, "issued at", time.Unix(int64(c.IssuedAt), 0).UTC().Format(time.RFC3339))
}
