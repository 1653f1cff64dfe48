package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/audit"
	proof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

// auditOptions are what an audit knows beside the log.
type auditOptions struct {
	logSource
	jobs, checkpoints []string // folders, files
	witnesses, keep   string   // files
	slack             time.Duration
}

func (a *app) logAuditCommand() *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit FOLDER | audit URL --log-key LOG.pub",
		Short: "Name what the operator of a log must not have done",
		Long: `audit reads a log from its beginning, from a folder or from the server that publishes
it, and names the entries that break a rule: a second assignment or receipt of a job,
worker and slot; a second receipt of an opening; a receipt that is dated before an
earlier entry, or entered when its beacon was known; an opening that came after its
deadline; a second list of valued claims that shares one with another list; a document
that rests on one which no earlier entry holds; another contribution for work that was
counted and not revoked.

Every entry is hashed into the tree that the log's checkpoint signs before it is
judged: whoever stores or serves the log can keep it from being audited, and cannot
alter it. With --checkpoint, the log must have grown from one that somebody kept, or it
is refused: its operator rewrote it. --keep writes the one that was audited, for the
next time.

Each operator is held to its own word, and with --witnesses to the times of the
cosignatures on the log's checkpoint and on those of --checkpoint: older ones show
more. Without witnesses nobody but the operator says when anything was. An audit shows
what is in this log, never that nothing was kept out of it; a server that shows an old
state of it is known by a --checkpoint that is newer, or by when witnesses saw it last.

Exit code 0 says that nothing was found, 1 that something was.`,
		Example: `  verifyd log audit log
  verifyd log audit https://example.com/pool --log-key log.pub --checkpoint monday --keep tuesday
  verifyd log audit log --witnesses witnesses.txt --checkpoint monday --checkpoint tuesday`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			r, err := o.audit(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.emitAudit(r); err != nil {
				return err
			}
			if r.Unknown > 0 {
				a.note("%d entries are of jobs that the log does not hold, and were not judged: give those with --job", r.Unknown)
			}
			if r.Cosignatures == 0 {
				a.note("no witness says when: each operator is held to its own word about time")
			}
			if len(r.Findings) > 0 {
				return exitWith(exitError)
			}
			return nil
		}),
	}
	o.logSource.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.jobs, "job", nil, "folder of a job that the log does not hold; repeat")
	f.StringVar(&o.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy) of the log's witnesses")
	f.StringArrayVar(&o.checkpoints, "checkpoint", nil, "file of a checkpoint that the log published before; repeat")
	f.StringVar(&o.keep, "keep", "", "file to write the audited checkpoint to; it must not exist")
	f.DurationVar(&o.slack, "slack", time.Second, "by how much the clocks that dated entries may disagree")
	return cmd
}

// audit audits the log at a place, as one checkpoint of it has it.
func (o *auditOptions) audit(ctx context.Context, at string) (report *audit.Report, err error) {
	known := audit.Options{Slack: o.slack}
	for _, dir := range o.jobs {
		file, err := readFile(filepath.Join(dir, verify.JobFile), document.MaxSize)
		if err != nil {
			return nil, err
		}
		known.Jobs = append(known.Jobs, file)
	}
	if o.keep != "" {
		if err := fresh(o.keep); err != nil {
			return nil, err
		}
	}
	log, closeLog, err := o.logSource.open(ctx, at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	signed, _, err := log.Checkpoint()
	if err != nil {
		return nil, err
	}
	if o.witnesses != "" {
		if known.Policy, err = readWitnesses(o.witnesses, log.Key()); err != nil {
			return nil, err
		}
		known.Checkpoints = append(known.Checkpoints, signed)
	}
	for _, path := range o.checkpoints {
		before, err := readFile(path, proof.MaxCheckpointSize)
		if err != nil {
			return nil, err
		}
		if err := log.Grew(before, signed); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if known.Policy != nil {
			known.Checkpoints = append(known.Checkpoints, before)
		}
	}
	report, err = audit.Log(ctx, func() iter.Seq2[[]byte, error] { return log.EntriesUnder(signed, 0) }, known)
	if err != nil || o.keep == "" {
		return report, err
	}
	return report, writeNew(o.keep, signed, 0o644)
}

// emitAudit prints what an audit found.
func (a *app) emitAudit(r *audit.Report) error {
	return a.emit(r, func(w io.Writer) {
		row(w, "entries", r.Entries)
		row(w, "assignments", r.Assignments)
		row(w, "receipts", r.Receipts)
		row(w, "openings", r.Openings)
		row(w, "lists of values", r.Lists)
		row(w, "contributions", r.Contributions)
		row(w, "cosignatures", r.Cosignatures)
		if r.Cosignatures > 0 {
			row(w, "witnessed until", time.Unix(r.Witnessed, 0).UTC().Format(time.RFC3339))
		}
		row(w, "found", len(r.Findings))
		for _, f := range r.Findings {
			against := ""
			if f.Against >= 0 {
				against = fmt.Sprintf(", against entry %d", f.Against)
			}
			row(w, string(f.Rule), fmt.Sprintf("entry %d%s: %s", f.Entry, against, f.Reason))
		}
	})
}
