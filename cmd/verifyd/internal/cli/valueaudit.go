package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"sync"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) valueAuditCommand() *cobra.Command {
	var ro roundOptions
	var do dataOptions
	var uo utilityOptions
	var randomness string
	var checks uint64
	cmd := &cobra.Command{
		Use:   "audit FOLDER --randomness HEX ... [-- COMMAND ARGUMENT...]",
		Short: "Check a certificate: all arithmetic, and a sample of its utilities",
		Long: `audit does all arithmetic of a certificate again from the utilities of its
transcript, and computes a random sample of them again from the game's files, which
are given as to the command that made the certificate. It says with which odds
tampering with a share of the utilities would have been missed. Of a game of verifyd
value utility, the process is asked: a command behind --, or with --pipe; without
either the arithmetic alone is checked, and said to be.

The randomness must come from a beacon published after the certificate, or who made
it could know which utilities will be looked at. 459 checks miss 1 % of altered
utilities with odds below 1 in 100.

Exit codes: 0 nothing is wrong; 3 utilities were altered.`,
		Example: `  verifyd value audit value7 --program program.json --base round7.safetensors \
      --update alice.safetensors --update bob.safetensors --sizes 4096,4096 \
      --validation validation.safetensors --randomness $LATER --checks 459`,
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				args = args[:at]
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			uo.behindDash(cmd, args)
			if err := uo.check(); err != nil {
				return err
			}
			later, err := merkle.ParseHash(randomness)
			if err != nil {
				return usageError{fmt.Errorf("--randomness: %w", err)}
			}
			if err := ro.readClaims(); err != nil {
				return err
			}
			before, err := valuation.ReadCertificate(args[0])
			if err != nil {
				return err
			}
			if before.Kind == utilityKind { // no device of ours plays it
				return a.auditUtility(cmd.Context(), &uo, before, args[0], later, checks)
			}
			if uo.given() {
				return usageError{fmt.Errorf("--pipe or a command behind --: %s certifies a game of files", args[0])}
			}
			ro.fair, ro.rows, ro.randomness = before.Fair, before.Rows, before.Randomness
			kinds := map[string]gameFiles{valuation.RoundKind: &ro, dataKind: &do}
			return a.onDevice(cmd.Context(), func(device engine.Device) error {
				return a.auditFiles(cmd.Context(), device, kinds, before, args[0], later, checks)
			})
		}),
	}
	ro.flags(cmd)
	do.flags(cmd)
	uo.flags(cmd)
	cmd.Flags().StringVar(&randomness, "randomness", "", "64 hex digits of a beacon published after the certificate")
	cmd.Flags().Uint64Var(&checks, "checks", 459, "utilities to compute again")
	_ = cmd.MarkFlagRequired("randomness") // fails only for a flag that is not there
	return cmd
}

// auditUtility audits the game of a process, which is asked if it is there.
func (a *app) auditUtility(ctx context.Context, uo *utilityOptions, before *valuation.Certificate, dir string, randomness merkle.Hash, checks uint64) error {
	if !uo.given() {
		g, err := unasked(before)
		if err != nil {
			return err
		}
		a.note("nobody is asked: the arithmetic alone is checked; a command behind -- or --pipe has utilities computed again")
		return a.valueAudit(ctx, g, dir, randomness, 0)
	}
	g, err := uo.open(ctx, a, nil, before.Control)
	if err != nil {
		return err
	}
	g.begin(shapley.Seed(randomness), nil)
	return a.valueAudit(ctx, g, dir, randomness, checks)
}

// auditFiles audits a game of files.
func (a *app) auditFiles(ctx context.Context, device engine.Device, kinds map[string]gameFiles, before *valuation.Certificate, dir string,
	randomness merkle.Hash, checks uint64) error {
	files, ok := kinds[before.Kind]
	if !ok {
		return fmt.Errorf("%s: kind: %.40q is no game that can be audited", dir, before.Kind)
	}
	g, err := files.open(ctx, a, device, before.Control)
	if err != nil {
		return err
	}
	return a.valueAudit(ctx, g, dir, randomness, checks)
}

// valueAudit audits a folder against a game, and closes it.
func (a *app) valueAudit(ctx context.Context, g *openGame, dir string, randomness merkle.Hash, checks uint64) error {
	closed := sync.OnceFunc(g.close)
	defer closed()
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
	closed() // before what is printed, as in estimateOn
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
