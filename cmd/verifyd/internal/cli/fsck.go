package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
)

func (a *app) fsckCommand() *cobra.Command {
	var w logOptions
	cmd := &cobra.Command{
		Use:   "fsck FOLDER [--key KEY]",
		Short: "Check a log or a registry on disk, and append what a crash left out of a log",
		Long: `fsck reads every entry and every tile of a log, computes the tree anew and
compares it with the signed checkpoint. It then looks for entries that were
recorded and are not in the published tree; with --key it appends and publishes
them. It never changes an unsound log.

Of a registry it reads every record: that it is whole, lies under the name that
its content gives, and rests on those that came before it. It changes nothing.

` + references,
		Example: `  verifyd fsck log
  verifyd fsck log --key log.pem
  verifyd fsck registry`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			if registry.Is(dir) {
				return a.checkRegistry(cmd.Context(), dir)
			}
			r, err := translog.Check(cmd.Context(), dir)
			// A log that died before its first checkpoint is completed, not checked.
			if err != nil && (w.key == "" || !errors.Is(err, translog.ErrNoCheckpoint)) {
				return err
			}
			if w.key != "" {
				missing := r.Missing
				if err := a.openLog(cmd.Context(), dir, &w, func(*translog.Log) error { return nil }); err != nil {
					return err
				}
				if r, err = translog.Check(cmd.Context(), dir); err != nil {
					return err
				}
				if missing > 0 && r.Missing == 0 {
					a.note("%d recorded entries were missing and are appended", missing)
				}
			}
			if err := a.emitLogReport(r); err != nil {
				return err
			}
			if r.Missing > 0 {
				return hint(fmt.Errorf("%s: %d recorded entries are not in the published tree", dir, r.Missing),
					"unless another process is about to publish them, run verifyd fsck %s --key KEY", dir)
			}
			return nil
		}),
	}
	w.flags(cmd)
	return cmd
}

func (a *app) emitLogReport(r translog.Report) error {
	view := struct {
		Origin   string `json:"origin"`
		Entries  int64  `json:"entries,string"`
		Root     string `json:"root"`
		Journal  int    `json:"journal"`
		Missing  int    `json:"missing"`
		Repeated int    `json:"repeated"`
	}{r.Checkpoint.Origin, r.Checkpoint.Size, r.Checkpoint.Root.String(), r.Journal, r.Missing, r.Repeated}
	return a.emit(view, func(w io.Writer) {
		row(w, "log", view.Origin)
		row(w, "entries", view.Entries)
		row(w, "root", view.Root)
		row(w, "in the journal", view.Journal)
		row(w, "missing", view.Missing)
		row(w, "repeated", view.Repeated)
	})
}
