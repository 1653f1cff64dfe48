package cli

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/document"
)

// valueScoreOptions say whose claims the players of a certificate are.
type valueScoreOptions struct {
	task, validation, out string
	workers               []string
}

func (a *app) valueScoreCommand() *cobra.Command {
	var o valueScoreOptions
	cmd := &cobra.Command{
		Use:   "score FOLDER --task HASH --worker KEYID... --validation HASH --out FILE",
		Short: "Turn a certificate into the values that verifyd score takes",
		Long: `score writes the values of a certificate as verifyd score --values reads them: whole
units of 1e-9, as a contribution proof states them. Each is the exact value rounded
down or up so that all of them add up to what the round as a whole achieved, and
nothing is paid twice or lost. Standard errors are rounded up.`,
		Example: `  verifyd value score value7 --task 0x9280... --worker 0x7ed4... --worker 0x9ad9... \
      --validation 0xf225... --out values.json
  verifyd score verdicts/*.json --values values.json ...`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error { return a.valueScore(args[0], o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.task, "task", "", "digest of the job")
	f.StringArrayVar(&o.workers, "worker", nil, "key id of a worker; repeat for each player, in the certificate's order")
	f.StringVar(&o.validation, "validation", "", "root of the validation set, as the policy names it")
	f.StringVar(&o.out, "out", "", "file to write, which must not exist")
	require(cmd, "task", "worker", "validation", "out")
	return cmd
}

func (a *app) valueScore(dir string, o valueScoreOptions) error {
	if err := fresh(o.out); err != nil {
		return err
	}
	c, err := valuation.ReadCertificate(dir)
	if err != nil {
		return err
	}
	if len(o.workers) != len(c.Players) {
		return usageError{fmt.Errorf("--worker: %d given for %d players: %q", len(o.workers), len(c.Players), c.Players)}
	}
	task, err := hashFlag("task", o.task)
	if err != nil {
		return err
	}
	values := score.Values{Version: score.ValuesVersion}
	if values.Validation, err = hashFlag("validation", o.validation); err != nil {
		return err
	}
	for i, fixed := range c.Result.Fixed() {
		v := score.Value{Task: task}
		if v.Worker, err = hashFlag("worker", o.workers[i]); err != nil {
			return err
		}
		if v.Value.Int128, err = proofs.ParseInt128(fixed.String()); err != nil {
			return fmt.Errorf("%s: value of %s: %w", dir, c.Players[i], err)
		}
		if len(c.Result.StdErr) > 0 {
			v.StdErr.Uint128 = proofs.Uint(c.Result.StdErr[i])
		}
		values.Values = append(values.Values, v)
	}
	slices.SortFunc(values.Values, func(a, b score.Value) int { return bytes.Compare(a.Worker.Hash[:], b.Worker.Hash[:]) })
	data, err := document.Encode(&values)
	if err != nil {
		return err
	}
	if _, err := score.ParseValues(o.out, data); err != nil {
		return errors.Join(errors.New("--worker: each key id once"), err)
	}
	if err := valuation.WriteWhole(o.out, append(data, '\n')); err != nil {
		return err
	}
	a.note("%d values in %s", len(values.Values), o.out)
	return nil
}

// hashFlag reads 0x and 64 hex digits.
func hashFlag(name, text string) (h policy.Hash, err error) {
	if h.Hash, err = proofs.ParseAccount(text); err != nil || h.Hash.String() != text {
		return h, usageError{fmt.Errorf("--%s %.80q: want 0x and 64 lower-case hex digits", name, text)}
	}
	return h, nil
}
