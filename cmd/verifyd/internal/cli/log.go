package cli

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
)

// proofSuffix is what the file of a log proof adds to its entry's name.
const proofSuffix = verify.ProofSuffix

func (a *app) logCommand() *cobra.Command {
	return group("log", "Keep and serve the transparency log of what is signed",
		a.logInitCommand(), a.logKeyCommand(), a.logAppendCommand(), a.logProofCommand(), a.logVerifyCommand(), a.logAuditCommand(), a.logServeCommand())
}

// logOptions is what the commands that write a log have in common.
type logOptions struct {
	key       string
	also      []string
	witnesses string
	timeout   time.Duration
}

func (w *logOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.key, "key", "", "the log's private key, Ed25519")
	f.StringArrayVar(&w.also, "also-key", nil, "another key to sign checkpoints with, while one follows the other")
	f.StringVar(&w.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy): publish no checkpoint that its quorum has not cosigned")
	f.DurationVar(&w.timeout, "timeout", time.Minute, "how long to wait for the checkpoint")
}

// openLog opens a log for writing, for as long as use takes, and waits until all
// is published.
func (a *app) openLog(ctx context.Context, dir string, w *logOptions, use func(*translog.Log) error) (err error) {
	if err := translog.RedirectTessera(a.log); err != nil {
		return err
	}
	origin, err := translog.FolderOrigin(dir)
	if errors.Is(err, translog.ErrNoLog) {
		return hint(err, "make one with verifyd log init %s", dir)
	}
	if err != nil {
		return err
	}
	vkey, err := translog.FolderKey(dir)
	if err != nil {
		return err
	}
	o := pool.Log{Folder: dir, Timeout: w.timeout, Logger: a.log}
	signers, closeKeys, err := a.logSigners(ctx, origin, append([]string{w.key}, w.also...), isLog(vkey))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeKeys()) }()
	o.Signers = signers
	if w.witnesses != "" {
		if o.Witnesses, err = readFile(w.witnesses, proof.MaxPolicySize); err != nil {
			return err
		}
	}
	err = o.Write(ctx, use)
	switch {
	case errors.Is(err, translog.ErrInUse):
		return hint(err, "one process writes a log; send it the entries, or end it first")
	case errors.Is(err, pool.ErrFewWitnesses):
		return hint(err, "the entries are recorded; too few witnesses answered, so run verifyd fsck %s --key KEY --witnesses %s later", dir, w.witnesses)
	}
	return err
}

// isLog binds the key that a log's folder names to the role of the log.
func isLog(vkey string) keys.Binding {
	return func(pub crypto.PublicKey) bool {
		key, _ := pub.(ed25519.PublicKey) // any other is no log's
		origin, err := proof.Origin(vkey)
		if err != nil {
			return false
		}
		named, err := proof.NewKey(origin, key)
		return err == nil && named == vkey
	}
}

// logSigners opens keys as signers of a log.
func (a *app) logSigners(ctx context.Context, origin string, refs []string, bound ...keys.Binding) (signers []*translog.Signer, closeAll func() error, err error) {
	var opened []*keys.Signer
	closeAll = func() error {
		var errs []error
		for _, k := range opened {
			errs = append(errs, k.Close())
		}
		return errors.Join(errs...)
	}
	for _, ref := range refs {
		key, err := a.openKey(ctx, ref, keys.Log, bound...)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		opened = append(opened, key)
		s, err := translog.NewSigner(origin, key)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", ref, err), closeAll())
		}
		signers = append(signers, s)
	}
	return signers, closeAll, nil
}

func (a *app) logInitCommand() *cobra.Command {
	var w logOptions
	var origin string
	cmd := &cobra.Command{
		Use:   "init FOLDER --origin NAME --key KEY",
		Short: "Make an empty log",
		Long: `init makes a log in a folder and publishes its first checkpoint, of no entries.
Its origin is the log's name for good: by convention the URL under which it will
be served, without https:// and a final slash. FOLDER/log.pub is what verifiers
of the log are given.

` + references,
		Example: `  verifyd keys new log.pem --role log
  verifyd log init log --origin example.com/pool --key log.pem`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			signers, closeKeys, err := a.logSigners(cmd.Context(), origin, []string{w.key})
			if err != nil {
				return err
			}
			err = translog.Init(args[0], signers[0])
			if err := errors.Join(err, closeKeys()); err != nil {
				return err
			}
			if err := a.openLog(cmd.Context(), args[0], &w, func(*translog.Log) error { return nil }); err != nil {
				return err
			}
			view := struct {
				Log    string `json:"log"`
				Origin string `json:"origin"`
				LogKey string `json:"logKey"`
			}{args[0], origin, signers[0].Key()}
			return a.emit(view, func(w io.Writer) {
				row(w, "log", view.Log)
				row(w, "origin", view.Origin)
				row(w, "log key", view.LogKey)
			})
		}),
	}
	w.flags(cmd)
	cmd.Flags().StringVar(&origin, "origin", "", "the log's name: its URL without https:// and a final slash")
	for _, name := range []string{"origin", "key"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) logKeyCommand() *cobra.Command {
	var ref string
	cmd := &cobra.Command{
		Use:   "key FOLDER --key KEY",
		Short: "Print what verifiers of a log are given for a key",
		Long: `key prints a key as verifiers of the log take it, under the log's origin.

To let one key follow another: append with --key OLD --also-key NEW until all
verifiers know the new one, write what key prints of it to FOLDER/log.pub, go on
with --key NEW --also-key OLD, and leave the old one out when nobody needs it.

` + references,
		Example: `  verifyd log key log --key next.pem >next.pub`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			origin, err := translog.FolderOrigin(args[0])
			if err != nil {
				return err
			}
			signers, closeKeys, err := a.logSigners(cmd.Context(), origin, []string{ref})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, signers[0].Key())
			return errors.Join(err, closeKeys())
		}),
	}
	cmd.Flags().StringVar(&ref, "key", "", "a private key, Ed25519")
	_ = cmd.MarkFlagRequired("key") // fails only for a flag that is not there
	return cmd
}

// loggedEntry is what is printed of an entry.
type loggedEntry struct {
	Index    int64  `json:"index,string"`
	LeafHash string `json:"leafHash"`
	File     string `json:"file"`
}

func (a *app) logAppendCommand() *cobra.Command {
	var w logOptions
	var prove bool
	cmd := &cobra.Command{
		Use:   "append FOLDER FILE... --key KEY",
		Short: "Append files to a log and publish them",
		Long: `append appends each file as one entry of at most 65,535 bytes and returns when a
checkpoint that covers them is published. A file that is in the log already keeps
its index. Give all files at once: they share the work of the disk.

` + references,
		Example: `  verifyd log append log proofs/*.vproof --key log.pem --prove`,
		Args:    cobra.MinimumNArgs(2),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			dir, files := args[0], args[1:]
			entries := make([][]byte, len(files))
			for i, path := range files {
				var err error
				if entries[i], err = readFile(path, proof.MaxEntrySize); err != nil {
					return err
				}
				if prove {
					if err := fresh(path + proofSuffix); err != nil {
						return err
					}
				}
			}
			var indexes []int64
			err := a.openLog(cmd.Context(), dir, &w, func(l *translog.Log) (err error) {
				indexes, err = l.Append(cmd.Context(), entries...)
				return err
			})
			if err != nil {
				return err
			}
			view := make([]loggedEntry, len(files))
			for i, path := range files {
				view[i] = loggedEntry{indexes[i], proof.LeafHash(entries[i]).String(), path}
			}
			if prove {
				if err := a.writeProofs(dir, view); err != nil {
					return err
				}
			}
			return a.emit(view, func(w io.Writer) {
				row(w, "index", "leaf hash", "file")
				for _, e := range view {
					row(w, e.Index, e.LeafHash, e.File)
				}
			})
		}),
	}
	w.flags(cmd)
	cmd.Flags().BoolVar(&prove, "prove", false, "write FILE"+proofSuffix+" beside each file: the proof that it is in the log")
	_ = cmd.MarkFlagRequired("key") // fails only for a flag that is not there
	return cmd
}

func (a *app) writeProofs(dir string, entries []loggedEntry) error {
	f, err := translog.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, e := range entries {
		text, err := f.Proof(e.Index)
		if err != nil {
			return err
		}
		if err := writeNew(e.File+proofSuffix, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
