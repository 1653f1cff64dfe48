package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/proofs"
)

func (a *app) proofCommand() *cobra.Command {
	return group("proof", "Show and check contribution proofs", a.proofShowCommand(), a.proofVerifyCommand())
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
			c, err := env.Unverified()
			if err != nil {
				return err
			}
			a.note("%s: signature not checked; use verifyd proof verify", args[0])
			return a.emit(c, func(w io.Writer) { contributionText(w, c) })
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
			pub, err := readPublic(keyFile)
			if err != nil {
				return err
			}
			c, err := env.Verify(pub)
			if errors.Is(err, proofs.ErrSignature) {
				return hint(fmt.Errorf("%s: %w", args[0], err), "the file says that it was signed by %s", env.KeyID())
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			a.note("%s: signed by %s", args[0], env.KeyID())
			return a.emit(c, func(w io.Writer) { contributionText(w, c) })
		}),
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "public key (PEM) of the verifier that must have signed it")
	_ = cmd.MarkFlagRequired("key") // fails only for a flag that is not there
	return cmd
}

// readProof reads a proof file of at most its limit.
func readProof(path string) (*proofs.Envelope, error) {
	data, err := readFile(path, proofs.MaxEnvelopeSize)
	if err != nil {
		return nil, err
	}
	env, err := proofs.ParseEnvelope(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return env, nil
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
