package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	proof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// loggedOptions say where a list of claims was published before its round, and who saw it.
type loggedOptions struct{ proof, key, witnesses, folder string }

func (o *loggedOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.proof, "log-proof", "", "proof that a log had the list before the round was due (c2sp.org/tlog-proof)")
	f.StringVar(&o.key, "log-key", "", "file of the log's key")
	f.StringVar(&o.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy) whose quorum must have cosigned before that")
	f.StringVar(&o.folder, "log", "", "the log itself, or a copy: no other list in it may name the same claims")
	cmd.MarkFlagsRequiredTogether("log-proof", "log-key", "witnesses")
}

// check holds a list against the log, as far as the flags name it, and says what else is believed.
func (a *app) checkLogged(o *loggedOptions, path, operatorFile string, c *valuation.Claims, digest merkle.Hash) error {
	if o.proof == "" {
		a.note("%s: that it was frozen before its round rests on the operator's word: --log-proof names witnesses", path)
	} else {
		p, err := readLogPolicy(o.key, o.witnesses)
		if err != nil {
			return err
		}
		signed, err := readFile(path, document.MaxSize)
		if err != nil {
			return err
		}
		text, err := readFile(o.proof, proof.MaxProofSize)
		if err != nil {
			return err
		}
		if err := c.Logged(p, text, signed); err != nil {
			return fmt.Errorf("%s: %w", o.proof, err)
		}
	}
	if o.folder == "" {
		return nil
	}
	operator, err := readKey(operatorFile, keys.Operator)
	if err != nil {
		return err
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
