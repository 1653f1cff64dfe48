package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

// statementKinds are the statements that a body may be of, as their payload
// types name them.
var statementKinds = []string{"contribution", "epoch-root", "revocation", "signer-set"}

func (a *app) proofSignCommand() *cobra.Command {
	var kind, key, out, paid string
	var log recorder
	cmd := &cobra.Command{
		Use:   "sign FILE --key KEY --out FILE",
		Short: "Sign the body of a statement, or add a signature to a signed one",
		Long: `sign signs what verifyd score leaves unsigned, and adds a verifier's signature to
an epoch root, a revocation or a signer set that others have signed. It prints
what it signs. The file that it reads stays as it is. A contribution is recorded as paid in
the file of spent work beside --out, or --spent, and refused if another body for the
same work is there.

` + references,
		Example: `  verifyd proof sign epoch7/01ab....body --key verifier.pem --out 01ab.proof
  verifyd proof sign set2.json --key plugin:hsm:bob --out set2-bob.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(statementKinds, kind) {
				return usageError{fmt.Errorf("--type %.40q: want one of %v", kind, statementKinds)}
			}
			return a.proofSign(cmd.Context(), args[0], "application/vnd.verifyd."+kind+".v1+abi", key, out, paid, log)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&kind, "type", statementKinds[0], "what a body states: contribution, epoch-root, revocation or signer-set")
	f.StringVar(&key, "key", "", "verifier's private key")
	f.StringVar(&out, "out", "", "file to write; it must not exist")
	spentFlag(cmd, &paid)
	log.flags(cmd)
	for _, name := range []string{"key", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	complete(cmd, "type", statementKinds...)
	return cmd
}

// proofSign signs the statement in a file, which is a body of a type or an
// envelope.
func (a *app) proofSign(ctx context.Context, path, payloadType, ref, out, paid string, log recorder) error {
	data, err := readFile(path, maxProofFile)
	if err != nil {
		return err
	}
	env := &proofs.Envelope{Type: payloadType, Body: data}
	if bytes.HasPrefix(data, []byte(`{"payloadType":"`)) { // a body begins with a digest, the audience
		if env, err = proofs.ParseEnvelope(data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	stated, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	key, err := a.openKey(ctx, ref, keys.Verifier)
	if err != nil {
		return err
	}
	defer key.Close()
	signed, err := proofs.Sign(stated, key)
	if err != nil {
		return err
	}
	mine := signed.Signatures[0]
	if slices.ContainsFunc(env.Signatures, func(s proofs.Signature) bool { return s.KeyID == mine.KeyID }) {
		return fmt.Errorf("%s: is signed by %s already", path, mine.KeyID)
	}
	if _, ok := stated.(proofs.Contribution); ok && len(env.Signatures) > 0 {
		return hint(errors.New(path+": a contribution has one signature"), "a quorum signs the epoch root that holds it")
	}
	signed.Signatures = append(signed.Signatures, env.Signatures...)
	if err := fresh(out); err != nil {
		return err
	}
	if c, ok := stated.(proofs.Contribution); ok {
		if err := a.spend(paid, out, c); err != nil {
			return err
		}
	}
	file := signed.Bytes()
	err = a.recorded(ctx, log, [][]byte{file}, func() error { return writeNew(out, file, 0o644) })
	if err != nil {
		return err
	}
	a.note("signed by %s in %s", mine.KeyID, out)
	return a.emitStatement(stated)
}
