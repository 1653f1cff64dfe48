package cli

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/merkle"
	logproof "github.com/verifyd/verifyd/proofs/translog"
)

// bundleOptions are the parts of a bundle besides its contribution.
type bundleOptions struct {
	set, root, leaves, out string
	log, checkpoint        string
	witnesses              string
	attachments            []string
}

func (a *app) proofBundleCommand() *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle CONTRIBUTION.json --set SET.json [--root EPOCH-ROOT.json --leaves leaves.bin] [--log FOLDER] --out FILE.vproof",
		Short: "Put a contribution and all that shows that it counts into one file",
		Long: `bundle makes a .vproof file: the contribution, the epoch root, the path from the
account's leaf to it, and with --log the proofs that both are in the log and that
the log only grew. The file is verified before it is written.`,
		Example: `  verifyd proof bundle epoch7/01ab.proof --set set.json --root root7/epoch-root.json --leaves root7/leaves.bin \
      --log log --checkpoint root7/checkpoint --out worker.vproof`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error { return a.proofBundle(args[0], o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.set, "set", "", "file of the signer set in force")
	f.StringVar(&o.root, "root", "", "file of the signed epoch root")
	f.StringVar(&o.leaves, "leaves", "", "leaf file of the epoch root")
	f.StringVar(&o.log, "log", "", "folder of the log that both are in")
	f.StringVar(&o.checkpoint, "checkpoint", "", "file of the log checkpoint that the epoch root names; the published one if not given")
	f.StringVar(&o.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy) whose witnesses' signatures the bundle keeps; only the log's if not given")
	f.StringArrayVar(&o.attachments, "attach", nil, "file of a signed foreign document, such as an in-toto Statement; may be repeated")
	f.StringVar(&o.out, "out", "", "file to write; it must not exist")
	for _, name := range []string{"set", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	cmd.MarkFlagsRequiredTogether("root", "leaves")
	return cmd
}

func (a *app) proofBundle(file string, o bundleOptions) error {
	set, err := readSet(o.set)
	if err != nil {
		return err
	}
	env, err := readProof(file)
	if err != nil {
		return err
	}
	c, err := proofs.Verify[proofs.Contribution](env, 1, set.Keys...)
	if err != nil {
		return explainSigners(fmt.Errorf("%s: %w", file, err), env)
	}
	b, err := bundle.New(set, env)
	if err != nil {
		return err
	}
	if o.root != "" {
		if err := o.addRoot(b, c); err != nil {
			return err
		}
	}
	l := &bundle.Ledger{Audience: set.Audience, PoolID: set.PoolID, Signers: set}
	if o.log != "" {
		if l.Log, err = o.addLog(b); err != nil {
			return err
		}
	}
	for _, name := range o.attachments {
		document, err := readProof(name)
		if err != nil {
			return err
		}
		b.Attachments = append(b.Attachments, document)
	}
	if b, err = b.Canonical(l.Log); err != nil {
		return err
	}
	if _, err := b.Stated(l); err != nil {
		return fmt.Errorf("the bundle does not hold: %w", err)
	}
	if err := writeNew(o.out, b.Bytes(), 0o644); err != nil {
		return err
	}
	a.note("%s: %s", o.out, contents(b))
	return a.emitStatement(c)
}

// addRoot adds the epoch root and, if the account's total is this
// contribution's, the path to it.
func (o bundleOptions) addRoot(b *bundle.Bundle, c proofs.Contribution) (err error) {
	if b.EpochRoot, err = readProof(o.root); err != nil {
		return err
	}
	leaves, err := readLeaves(o.leaves)
	if err != nil {
		return err
	}
	leaf := merkle.Leaf{Account: c.Account, CumulativeUnits: c.CumulativeUnits, Detail: sha256.Sum256(b.Contribution.Body)}
	if !slices.Contains(leaves, leaf) {
		if o.log == "" {
			return hint(fmt.Errorf("%s: no leaf is of this contribution", o.leaves),
				"a later one raised the account's total, or this one earned nothing; then only the log, with --log, ties it to the root")
		}
		return nil
	}
	tree, err := merkle.New(c.PoolID, leaves)
	if err != nil {
		return err
	}
	b.Merkle, err = tree.Path(leaf)
	return err
}

// addLog adds the proofs of a log, and returns the policy that trusts it.
func (o bundleOptions) addLog(b *bundle.Bundle) (*logproof.Policy, error) {
	f, err := translog.OpenFolder(o.log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, _, err := f.Checkpoint()
	if err != nil {
		return nil, err
	}
	covering := head
	if o.checkpoint != "" {
		if covering, err = readFile(o.checkpoint, logproof.MaxCheckpointSize); err != nil {
			return nil, err
		}
	}
	included := func(under []byte, what string, env *proofs.Envelope) (string, error) {
		index, err := f.Find(logproof.LeafHash(env.Bytes()))
		if err != nil {
			return "", hint(fmt.Errorf("the %s: %w", what, err), "verifyd log append puts it there")
		}
		text, err := f.ProofUnder(under, index)
		return string(text), err
	}
	b.Log = &bundle.Log{}
	if b.Log.Contribution, err = included(covering, "contribution", b.Contribution); err != nil {
		return nil, err
	}
	if b.EpochRoot != nil {
		older, err := logproof.ParseCheckpoint(covering)
		if err != nil {
			return nil, err
		}
		if b.Log.EpochRoot, err = included(head, "epoch root", b.EpochRoot); err != nil {
			return nil, err
		}
		text, err := f.ConsistencyUnder(head, older.Size)
		if err != nil {
			return nil, err
		}
		b.Log.Consistency = string(text)
	}
	return readLogPolicy(filepath.Join(o.log, "log.pub"), o.witnesses)
}
