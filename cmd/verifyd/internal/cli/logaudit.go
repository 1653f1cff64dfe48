package cli

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/audit"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

func (a *app) logAuditCommand() *cobra.Command {
	var jobs, checkpoints []string
	var policyFile string
	var slack time.Duration
	cmd := &cobra.Command{
		Use:   "audit FOLDER",
		Short: "Name what the operator of a log must not have done",
		Long: `audit reads a log from its beginning and names the entries that break a rule: a
second assignment or receipt of a job, worker and slot; a second receipt of an opening;
a receipt that is dated before an earlier entry, or entered when its beacon was known;
an opening that came after its deadline; a second list of valued claims that shares
one with another list; a document that rests on one which no earlier
entry holds; another contribution for work that was counted and not revoked.

Each operator is held to its own word, and with --witnesses to the times of the
cosignatures on the log's checkpoint and on those of --checkpoint: older ones that
somebody kept show more. Without witnesses nobody but the operator says when anything
was. An audit shows what is in this log, never that nothing was kept out of it.

Exit code 0 says that nothing was found, 1 that something was.`,
		Example: `  verifyd log audit log
  verifyd log audit log --witnesses witnesses.txt --checkpoint monday --checkpoint tuesday`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			f, err := translog.OpenFolder(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			o := audit.Options{Slack: slack}
			for _, dir := range jobs {
				file, err := readFile(filepath.Join(dir, verify.JobFile), document.MaxSize)
				if err != nil {
					return err
				}
				o.Jobs = append(o.Jobs, file)
			}
			signed, _, err := f.Checkpoint()
			if err != nil {
				return err
			}
			if policyFile != "" {
				if o.Policy, err = readLogPolicy(filepath.Join(args[0], translog.KeyFile), policyFile); err != nil {
					return err
				}
				o.Checkpoints = append(o.Checkpoints, signed)
			} else if len(checkpoints) > 0 {
				return usageError{errors.New("--checkpoint needs --witnesses, whose cosignatures are on it")}
			}
			for _, path := range checkpoints {
				old, err := readFile(path, proof.MaxCheckpointSize)
				if err != nil {
					return err
				}
				if err := f.Grew(old); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				o.Checkpoints = append(o.Checkpoints, old)
			}
			r, err := audit.Log(cmd.Context(), func() iter.Seq2[[]byte, error] { return f.Entries(0) }, o)
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
	f := cmd.Flags()
	f.StringArrayVar(&jobs, "job", nil, "folder of a job that the log does not hold; repeat")
	f.StringVar(&policyFile, "witnesses", "", "policy file (c2sp.org/tlog-policy) of the log's witnesses")
	f.StringArrayVar(&checkpoints, "checkpoint", nil, "file of a checkpoint that the log published; repeat")
	f.DurationVar(&slack, "slack", time.Second, "by how much the clocks that dated entries may disagree")
	return cmd
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
