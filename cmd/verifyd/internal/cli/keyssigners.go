package cli

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/proofs"
)

// signersOptions are what the first signer set of a pool states.
type signersOptions struct {
	audience, pool, out string
	keys                []string // references, to sign with
	threshold           uint32
	issued              int64
}

func (a *app) keysSignersCommand() *cobra.Command {
	var o signersOptions
	cmd := &cobra.Command{
		Use:   "signers KEY.pub... --audience NAME --threshold M --key KEY --out FILE",
		Short: "State the first signer set of a pool: which verifiers speak for it, and how many it takes",
		Long: `signers writes signer set 1 of a pool, signed by the keys given. Whoever checks
proofs is given it, or its keys, by hand; later sets follow from it by rotate.

` + references,
		Example: `  verifyd keys signers alice.pub bob.pub carol.pub --audience urn:db:payroll --threshold 2 \
      --key alice.pem --out set1.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.stateSigners(cmd.Context(), args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.audience, "audience", "", "name of the one ledger that the set is for, e.g. eip155:8453:0x... or urn:db:...")
	f.StringVar(&o.pool, "pool", "default", "name of the pool")
	f.Uint32Var(&o.threshold, "threshold", 0, "how many of the keys must sign")
	f.StringArrayVar(&o.keys, "key", nil, "verifier's private key, to sign the set with; may be repeated")
	f.StringVar(&o.out, "out", "", "file to write; it must not exist")
	f.Int64Var(&o.issued, "issued", 0, "time to state, seconds of the Unix epoch; now if not given")
	for _, name := range []string{"audience", "threshold", "key", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) stateSigners(ctx context.Context, files []string, o signersOptions) error {
	if o.issued < 0 {
		return usageError{errors.New("--issued is negative")}
	}
	audience, err := proofs.Audience(o.audience)
	if err != nil {
		return usageError{fmt.Errorf("--audience: %w", err)}
	}
	set := proofs.SignerSet{Audience: audience, PoolID: proofs.Hash(pool.Named(o.pool)), Set: 1, Threshold: o.threshold, IssuedAt: uint64(o.issued)}
	if o.issued == 0 {
		set.IssuedAt = uint64(time.Now().Unix())
	}
	for _, file := range files {
		pub, err := readPublic(file, keys.Verifier)
		if err != nil {
			return err
		}
		key, err := proofs.NewKey(pub)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		set.Keys = append(set.Keys, key)
	}
	slices.SortFunc(set.Keys, compareKeys)
	var signers []crypto.Signer
	for _, ref := range o.keys {
		key, err := a.openKey(ctx, ref, keys.Verifier, inSet(set.Keys))
		if err != nil {
			return err
		}
		defer key.Close()
		if named, err := proofs.NewKey(key.Public()); err != nil || !slices.Contains(set.Keys, named) {
			return fmt.Errorf("%s: is not one of the set's keys", ref)
		}
		signers = append(signers, key)
	}
	env, err := proofs.Sign(set, signers...)
	if err != nil {
		return err
	}
	if err := writeNew(o.out, env.Bytes(), 0o644); err != nil {
		return err
	}
	return a.emitStatement(set)
}
