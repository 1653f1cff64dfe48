package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	proof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// loggedOptions say where a list of claims was published before its round.
type loggedOptions struct{ proof, folder string }

func (o *loggedOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.proof, "log-proof", "", "proof (c2sp.org/tlog-proof) that the jobs' log has the list, cosigned before its round by the witnesses that they name")
	f.StringVar(&o.folder, "log", "", "the log itself, or a copy: no other list in it may name the same claims")
}

// checkLogged holds a list against the log that its jobs name, and says what else is believed.
func (a *app) checkLogged(o *loggedOptions, path string, operator document.Key, jobs valuation.Jobs, c *valuation.Claims, digest merkle.Hash) error {
	signed, err := readFile(path, document.MaxSize)
	if err != nil {
		return err
	}
	var text []byte
	if o.proof != "" {
		if text, err = readFile(o.proof, proof.MaxProofSize); err != nil {
			return err
		}
	}
	witnessed, err := c.Dated(jobs, text, signed)
	switch {
	case errors.Is(err, valuation.ErrUndated):
		return hint(fmt.Errorf("%s: %w", path, err), "verifyd log proof makes it, for --log-proof")
	case err != nil && o.proof != "":
		return fmt.Errorf("%s: %w", o.proof, err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case !witnessed:
		a.note("%s: that it was frozen before its round rests on the operator's word: its jobs name no witnesses", path)
	}
	if o.folder == "" {
		return nil
	}
	f, err := translog.OpenFolder(o.folder)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.Alone(digest, operator, f.Entries(0)); err != nil {
		return fmt.Errorf("%s: %w", o.folder, err)
	}
	return nil
}
