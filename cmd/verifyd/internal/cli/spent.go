package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// spentFile is the file of spent work beside the folders that epochs leave.
const spentFile = "verifyd.spent"

// spentFlag is the flag of those who turn work into payment.
func spentFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "spent", "", "file of the work that was paid; "+spentFile+" beside --out if not given. It is made with the first epoch")
}

// openSpent opens a pool's file of spent work: the one given, or the one beside out. Only the first epoch makes one: a
// file that is missing later is not where it was, or is lost, and without it work would be paid again.
func (a *app) openSpent(given, out string, first bool) (*registry.Spent, error) {
	path := given
	if path == "" {
		path = filepath.Join(filepath.Dir(filepath.Clean(out)), spentFile)
	}
	s, err := registry.OpenSpent(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if !first {
		return nil, hint(fmt.Errorf("%w: what was paid in the epochs before is not known", err), "name the file of spent work with --spent; a pool's first epoch, which has no totals before it, makes it")
	}
	if err := registry.InitSpent(path); err != nil {
		return nil, err
	}
	a.note("made %s, which remembers what is paid: keep it for the epochs that follow", path)
	return registry.OpenSpent(path)
}

// firstEpoch says whether an epoch without totals before it may be a pool's first one: by its number, or because the
// file of spent work is named, as by a pool that counts from elsewhere.
func firstEpoch(number uint64, spent string) bool { return number <= 1 || spent != "" }

// wasPaid asks the pool's file of spent work, if there is one, whether contributions that nobody is given were paid by
// other bodies. Before is the totals of the epoch before, near which the file is looked for.
func (a *app) wasPaid(given, before string, contributions []proofs.Contribution) (err error) {
	s, err := a.openSpent(given, filepath.Dir(before), false)
	if errors.Is(err, fs.ErrNotExist) && given == "" {
		if before != "" {
			a.note("there is no %s here: whether any of this was paid before was not asked; name the file with --spent", spentFile)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return explainSpent(s.Check(contributions...))
}

// knowSpent tells an epoch what was paid before, if there is a file of it, which is open until forget is called.
func (a *app) knowSpent(e *score.Epoch, o *scoreOptions) (forget func() error, err error) {
	beside := o.out
	if beside == "" {
		beside = filepath.Dir(o.earned)
	}
	s, err := a.openSpent(o.spent, beside, false)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil // whether there must be one is asked when it is written or shown
	}
	if err != nil {
		return nil, err
	}
	if e.Spent, err = s.Book(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s.Close, nil
}

// spend records in the pool's file of spent work, beside out or where it is named, that a verifier signs a contribution.
// Without such a file it says that it could not ask.
func (a *app) spend(given, out string, c proofs.Contribution) (err error) {
	s, err := a.openSpent(given, out, false)
	if errors.Is(err, fs.ErrNotExist) && given == "" {
		a.note("there is no %s here: whether this work was paid before was not asked; name the file with --spent", spentFile)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return explainSpent(s.Record(c))
}

// explainSpent adds to an error about spent work what may be done.
func explainSpent(err error) error {
	var already *spent.Error
	if !errors.As(err, &already) {
		return err
	}
	if already.First.Epoch == already.Work.Epoch {
		return hint(err, "the first body comes again with --issued %d, if all else is the same; a correction needs its revocation, which verifyd proof revoke reads",
			already.First.IssuedAt)
	}
	return hint(err, "leave out what was paid before; a correction needs the first body's revocation, which verifyd proof revoke reads")
}

func (a *app) proofRevokeCommand() *cobra.Command {
	var signers []string
	var path string
	cmd := &cobra.Command{
		Use:   "revoke REVOCATION.json --signers SET.json --spent FILE",
		Short: "Let a correction take the place of a contribution that a quorum took back",
		Long: `revoke reads a signed revocation of a contribution into the file of spent work.
From then on score and proof epoch take another body for the same work, once, and
refuse the one that was taken back. What a ledger has paid stays paid.`,
		Example: `  verifyd proof revoke revocation.json --signers set.json --spent verifyd.spent`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) (err error) {
			env, err := readProof(args[0])
			if err != nil {
				return err
			}
			l, err := proofTrust{signers: signers}.ledger()
			if err != nil {
				return err
			}
			revoked, err := l.Revoke(env)
			if err != nil {
				return explainSigners(fmt.Errorf("%s: %w", args[0], err), env)
			}
			if revoked.TargetKind != 1 {
				return fmt.Errorf("%s: takes back an epoch root, want a contribution", args[0])
			}
			s, err := registry.OpenSpent(path)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := s.Revoke(revoked.Target); err != nil {
				return err
			}
			return a.emitStatement(revoked)
		}),
	}
	f := cmd.Flags()
	f.StringArrayVar(&signers, "signers", nil, "file of the signer set that is trusted; may be repeated for the sets that follow it")
	f.StringVar(&path, "spent", "", "file of the work that was paid")
	require(cmd, "signers", "spent")
	return cmd
}
