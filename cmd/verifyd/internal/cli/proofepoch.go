package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
	logproof "github.com/verifyd/verifyd/proofs/translog"
)

// What proof epoch writes.
const (
	epochRootFile = "epoch-root.body"
	leavesFile    = "leaves.bin"
)

// maxLeaves bounds a leaf file in bytes: 2^22 accounts.
const maxLeaves = 96 << 22

// epochOptions are what an epoch root states besides its contributions.
type epochOptions struct {
	set, before, checkpoint, out string // files and a folder
	spent                        string // file, empty for the one beside out
	epoch                        uint64
	policy, dust, emission       string
	notAfter                     string
}

func (a *app) proofEpochCommand() *cobra.Command {
	var o epochOptions
	cmd := &cobra.Command{
		Use:   "epoch CONTRIBUTION.json... --set SET.json --epoch N --emission UNITS --dust ACCOUNT --policy HASH --out FOLDER",
		Short: "Build an epoch's tree and root from its signed contributions",
		Long: `epoch adds an epoch's contributions to every account's total and builds the tree
that ledgers pay from. What of the emission nobody earned is the dust account's, so
that the leaves add up to the root's total exactly.

It writes epoch-root.body, which a quorum signs with verifyd proof sign --type
epoch-root, and leaves.bin, which is published so that everyone can claim and is
the next epoch's --before. Verifiers who are given the same make the same bytes.

What is in the epoch is recorded as paid in a file beside the folder, or --spent:
another body for the same work is refused in every epoch that follows.`,
		Example: `  verifyd proof epoch epoch7/*.proof --set set.json --epoch 7 --emission 1000000 --dust 0x5290...9EE7 \
      --policy 0x8234... --before epoch6/leaves.bin --not-after 2026-12-01T00:00:00Z --out root7
  verifyd proof sign root7/epoch-root.body --type epoch-root --key alice.pem --out root7/alice.json`,
		Args: cobra.ArbitraryArgs,
		RunE: a.runs(func(_ *cobra.Command, args []string) error { return a.proofEpoch(args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.set, "set", "", "file of the signer set in force")
	f.Uint64Var(&o.epoch, "epoch", 0, "number of the epoch, from 1")
	f.StringVar(&o.emission, "emission", "", "units that the epoch hands out in all")
	f.StringVar(&o.dust, "dust", "", "account that gets what nobody earned")
	f.StringVar(&o.policy, "policy", "", "digest of the epoch's scoring policy")
	f.StringVar(&o.before, "before", "", "leaves.bin of the epoch before; none for the first")
	f.StringVar(&o.checkpoint, "checkpoint", "", "file of a log checkpoint that covers every contribution; none if there is no log")
	f.StringVar(&o.notAfter, "not-after", "", "last moment at which a ledger may accept the root, e.g. 2026-12-01T00:00:00Z")
	f.StringVar(&o.out, "out", "", "folder to make")
	spentFlag(cmd, &o.spent)
	for _, name := range []string{"set", "epoch", "emission", "dust", "policy", "not-after", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) proofEpoch(files []string, o epochOptions) (err error) {
	set, err := readSet(o.set)
	if err != nil {
		return err
	}
	scope := epoch.Scope{Audience: set.Audience, PoolID: set.PoolID, Epoch: o.epoch}
	if scope.Emission, err = proofs.ParseUint128(o.emission); err != nil {
		return usageError{fmt.Errorf("--emission: %w", err)}
	}
	if scope.Dust, err = proofs.ParseAccount(o.dust); err != nil {
		return usageError{fmt.Errorf("--dust: %w", err)}
	}
	hash, err := hashFlag("policy", o.policy)
	if err != nil {
		return err
	}
	scope.PolicyHash = hash.Hash
	notAfter, err := time.Parse(time.RFC3339, o.notAfter)
	if err != nil || notAfter.Unix() < 0 {
		return usageError{fmt.Errorf("--not-after %.80q: want a time such as 2026-12-01T00:00:00Z", o.notAfter)}
	}
	var before []merkle.Leaf
	if o.before != "" {
		if before, err = readLeaves(o.before); err != nil {
			return err
		}
	}
	var checkpoint proofs.Hash
	if o.checkpoint != "" {
		signed, err := readFile(o.checkpoint, logproof.MaxCheckpointSize)
		if err != nil {
			return err
		}
		c, err := logproof.ParseCheckpoint(signed)
		if err != nil {
			return fmt.Errorf("%s: %w", o.checkpoint, err)
		}
		checkpoint = sha256.Sum256(c.Body())
	}
	contributions := make([]proofs.Contribution, len(files))
	for i, file := range files {
		env, err := readProof(file)
		if err != nil {
			return err
		}
		if contributions[i], err = proofs.Verify[proofs.Contribution](env, 1, set.Keys...); err != nil {
			return explainSigners(fmt.Errorf("%s: %w", file, err), env)
		}
		if signs(set, contributions[i].WorkerID) {
			return fmt.Errorf("%s: field workerId: %s is a key of signer set %d: nobody vouches for its own work", file, contributions[i].WorkerID, set.Set)
		}
	}
	a.noteFixed(contributions...)
	if err := fresh(o.out); err != nil {
		return err
	}
	paid, err := a.openSpent(o.spent, o.out, o.before == "" && firstEpoch(o.epoch, o.spent))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, paid.Close()) }()
	if scope.Spent, err = paid.Book(); err != nil {
		return err
	}
	e, err := epoch.Build(before, scope, contributions)
	if err != nil {
		return explainSpent(err)
	}
	if err := paid.Record(contributions...); err != nil {
		return explainSpent(err)
	}
	return a.writeEpochRoot(e, e.Root(set.Set, uint64(notAfter.Unix()), checkpoint), o.out)
}

// signs says that a key of an id is in a set.
func signs(set proofs.SignerSet, id proofs.Hash) bool {
	return slices.ContainsFunc(set.Keys, func(k proofs.Key) bool {
		its, err := proofs.KeyID(k)
		return err == nil && its == id
	})
}

func (a *app) writeEpochRoot(e *epoch.Epoch, root proofs.EpochRoot, out string) error {
	body, err := proofs.Encode(root)
	if err != nil {
		return err
	}
	err = makeFolder(out, func() error {
		return errors.Join(writeNew(filepath.Join(out, epochRootFile), body, 0o644),
			writeNew(filepath.Join(out, leavesFile), e.File(), 0o644))
	})
	if err != nil {
		return err
	}
	a.note("%d accounts; to be signed by a quorum: verifyd proof sign %s --type epoch-root", len(e.Leaves), filepath.Join(out, epochRootFile))
	return a.emitStatement(root)
}

// readSet reads a signer set, which the caller trusts as it is.
func readSet(file string) (proofs.SignerSet, error) {
	env, err := readProof(file)
	if err != nil {
		return proofs.SignerSet{}, err
	}
	stated, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return proofs.SignerSet{}, fmt.Errorf("%s: %w", file, err)
	}
	set, ok := stated.(proofs.SignerSet)
	if !ok {
		return proofs.SignerSet{}, fmt.Errorf("%s: is a %s, want a signer set", file, kindOf(stated))
	}
	return set, nil
}

func readLeaves(file string) ([]merkle.Leaf, error) {
	data, err := readFile(file, maxLeaves)
	if err != nil {
		return nil, err
	}
	leaves, err := epoch.ParseFile(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return leaves, nil
}
