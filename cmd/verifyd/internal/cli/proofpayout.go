package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/payout"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
)

// maxLeafFile bounds a published leaf file: ten million accounts.
const maxLeafFile = 1 << 30

// payoutOptions are what the payee knows beside the log.
type payoutOptions struct {
	signers, leaves    []string // files
	account, paid, out string
	witnesses          string
	epoch, epochGrowth uint64
}

func (a *app) proofPayoutCommand() *cobra.Command {
	var o payoutOptions
	cmd := &cobra.Command{
		Use:   "payout LOG --signers SET.json --account ACCOUNT --leaves FILE --out FILE.vproof",
		Short: "Build an account's newest payout from the log, unless it has been paid",
		Long: `payout reads a log's folder from its beginning, finds the newest epoch root that a
quorum signed, the account's leaf in it and the contribution that raised it last, and
writes them as a .vproof bundle that a ledger pays on.

--epoch takes the root of an older epoch: a contract with a window for vetoes pays on
that while the newest is pending. A root that a quorum took back is passed over.

With --paid, the units that the ledger has paid the account in all, nothing is
written if nothing is due. --signers is the pool's first signer set, or any later one
that is trusted; those that follow are taken from the log.`,
		Example: `  verifyd proof payout log --signers signers.json --account 0x52908400098527886E0F7030069857D2E4169EE7 \
      --leaves epoch-7.leaves --paid 1200 --out payout.vproof`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.proofPayout(cmd.Context(), args[0], o) }),
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.signers, "signers", nil, "file of the signer set that is trusted; may be repeated for the sets that follow it")
	f.StringArrayVar(&o.leaves, "leaves", nil, "published leaf file; may be repeated, the epoch root says which one counts")
	f.StringVar(&o.account, "account", "", "ledger account: "+accountForm)
	f.StringVar(&o.paid, "paid", "0", "units that the ledger has paid the account already")
	f.Uint64Var(&o.epoch, "epoch", 0, "epoch of the root to be paid on; the newest if not given")
	f.Uint64Var(&o.epochGrowth, "epoch-growth", bundle.DefaultEpochGrowth, "the most by which the ledger lets one root raise the epoch")
	f.StringVar(&o.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy) whose quorum must have cosigned")
	f.StringVar(&o.out, "out", "", "file to write the payout to")
	for _, name := range []string{"signers", "leaves", "account", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) proofPayout(ctx context.Context, dir string, o payoutOptions) (err error) {
	r := payout.Request{Epoch: o.epoch}
	if r.Account, err = proofs.ParseAccount(o.account); err != nil {
		return usageError{fmt.Errorf("--account: %w", err)}
	}
	if r.Paid, err = proofs.ParseUint128(o.paid); err != nil {
		return usageError{fmt.Errorf("--paid: %w", err)}
	}
	for _, path := range o.leaves {
		file, err := readFile(path, maxLeafFile)
		if err != nil {
			return err
		}
		r.Leaves = append(r.Leaves, file)
	}
	if err := fresh(o.out); err != nil {
		return err
	}
	l, err := proofTrust{signers: o.signers}.ledger()
	if err != nil {
		return err
	}
	l.EpochGrowth = o.epochGrowth
	if l.Log, err = readLogPolicy(filepath.Join(dir, "log.pub"), o.witnesses); err != nil {
		return err
	}
	folder, err := translog.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	found, err := payout.Find(ctx, folder, l, r)
	var missing *payout.MissingLeaves
	if errors.As(err, &missing) {
		return hint(err, "the pool publishes it with the epoch root; give it with --leaves")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	view := struct {
		Epoch      uint64      `json:"epoch"`
		Account    proofs.Hash `json:"account"`
		Cumulative string      `json:"cumulativeUnits"`
		Paid       string      `json:"paid"`
		Payout     string      `json:"payout,omitempty"` // file; none if nothing is due
	}{found.Root.Epoch, r.Account, found.Leaf.CumulativeUnits.String(), r.Paid.String(), ""}
	if found.Bundle != nil {
		if err := writeNew(o.out, found.Bundle.Bytes(), 0o644); err != nil {
			return err
		}
		view.Payout = o.out
	}
	return a.emit(view, func(w io.Writer) {
		row(w, "epoch", view.Epoch)
		row(w, "account", view.Account)
		row(w, "earned in all", view.Cumulative)
		row(w, "paid", view.Paid)
		if view.Payout == "" {
			row(w, "payout", "nothing is due")
			return
		}
		row(w, "payout", view.Payout)
	})
}
