package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) valueAuditCommand() *cobra.Command {
	var ro roundOptions
	var do dataOptions
	var randomness string
	var checks uint64
	cmd := &cobra.Command{
		Use:   "audit FOLDER --randomness HEX ...",
		Short: "Check a certificate: all arithmetic, and a sample of its utilities",
		Long: `audit does all arithmetic of a certificate again from the utilities of its
transcript, and computes a random sample of them again from the game's files, which
are given as to the command that made the certificate. It says with which odds
tampering with a share of the utilities would have been missed.

The randomness must come from a beacon published after the certificate, or who made
it could know which utilities will be looked at. 459 checks miss 1 % of altered
utilities with odds below 1 in 100.

Exit codes: 0 nothing is wrong; 3 utilities were altered.`,
		Example: `  verifyd value audit value7 --program program.json --base round7.safetensors \
      --update alice.safetensors --update bob.safetensors --sizes 4096,4096 \
      --validation validation.safetensors --randomness $LATER --checks 459`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			later, err := merkle.ParseHash(randomness)
			if err != nil {
				return usageError{fmt.Errorf("--randomness: %w", err)}
			}
			if err := ro.readClaims(); err != nil {
				return err
			}
			return a.onDevice(cmd.Context(), func(device engine.Device) error {
				return a.valueAudit(cmd.Context(), device, args[0], &ro, &do, later, checks)
			})
		}),
	}
	ro.flags(cmd)
	do.flags(cmd)
	cmd.Flags().StringVar(&randomness, "randomness", "", "64 hex digits of a beacon published after the certificate")
	cmd.Flags().Uint64Var(&checks, "checks", 459, "utilities to compute again")
	_ = cmd.MarkFlagRequired("randomness") // fails only for a flag that is not there
	return cmd
}

func (a *app) valueAudit(ctx context.Context, device engine.Device, dir string, ro *roundOptions, do *dataOptions, randomness merkle.Hash, checks uint64) error {
	kinds := map[string]gameFiles{valuation.RoundKind: ro, dataKind: do}
	before, err := valuation.ReadCertificate(dir)
	if err != nil {
		return err
	}
	ro.fair, ro.rows, ro.randomness = before.Fair, before.Rows, before.Randomness
	files, ok := kinds[before.Kind]
	if !ok {
		return fmt.Errorf("%s: kind: %.40q is no game that can be audited", dir, before.Kind)
	}
	g, err := files.open(ctx, a, device, before.Control)
	if err != nil {
		return err
	}
	defer g.close()
	audit, c, err := valuation.Audit(ctx, dir, g.game, g.root, g.control, randomness, checks)
	if err != nil {
		return err
	}
	if g.extra != nil {
		extra, err := g.extra(c.Result.Seed)
		if err != nil {
			return err
		}
		if !extra.Equal(c.Extra) {
			return fmt.Errorf("%s: drawn, joined, isolated, second_order or validation_error: is not that of the game", dir)
		}
	}
	type view struct {
		*shapley.Audit
		Estimator  string      `json:"estimator"`
		Transcript merkle.Hash `json:"transcript"`
	}
	err = a.emit(view{audit, c.Estimator, c.Result.Transcript}, func(w io.Writer) {
		row(w, "arithmetic", "right, from "+fmt.Sprint(audit.Leaves)+" utilities")
		row(w, "computed again", fmt.Sprintf("%d, %d of them altered", audit.Checked, len(audit.Wrong)))
		for _, m := range audit.Missed {
			share := new(big.Rat).SetFrac64(int64(100*m.Altered), int64(audit.Leaves)).FloatString(1)
			row(w, fmt.Sprintf("%d altered (%s %%)", m.Altered, share), "would be missed with probability "+m.Probability)
		}
		row(w, "transcript", c.Result.Transcript)
	})
	if err == nil && len(audit.Wrong) > 0 {
		return exitWith(exitFail)
	}
	return err
}
