package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) registryCommand() *cobra.Command {
	return group("registry", "Remember what an operator gives once, ever", a.registryInitCommand(), a.registryWorkerCommand(), a.registryEndCommand(), a.registryRecordCommand())
}

func (a *app) registryInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init FOLDER",
		Short: "Make an empty registry",
		Long: `init makes the folder in which an operator remembers what it gives once and never
again: an assignment, a receipt, the receipt of an opening. Keep one for good, on
a disk that is backed up; several processes may use it at once. Whoever has lost
it must not sign receipts for jobs that were offered before: a second receipt
draws the challenge anew, and log audit names it. verifyd fsck checks it.`,
		Example: `  verifyd registry init registry`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			if err := registry.Init(args[0]); err != nil {
				return err
			}
			view := struct {
				Registry string `json:"registry"`
			}{args[0]}
			return a.emit(view, func(w io.Writer) { row(w, "registry", view.Registry) })
		}),
	}
}

// openRegistry opens the registry that a command was given.
func openRegistry(dir string) (*registry.Registry, error) {
	r, err := registry.Open(dir)
	if errors.Is(err, registry.ErrNone) {
		err = hint(err, "verifyd registry init makes one, for good: another one would have forgotten what was given")
	}
	return r, err
}

// registryFlag adds the flag that names a registry. It has no default: one that nobody thought of would forget.
func registryFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "registry", "", "folder that remembers what was given, as registry init makes it")
	_ = cmd.MarkFlagRequired("registry") // fails only for a flag that is not there
}

func (a *app) registryWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker FOLDER WORKER.pub",
		Short: "Count what became of a worker's assignments",
		Long: `worker counts the slots that were assigned to a key, those that a claim came for,
and those that ended without one, for whoever decides whether to assign another.
Keys are free: it says nothing about who holds a new one.`,
		Args: cobra.ExactArgs(2),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			r, err := openRegistry(args[0])
			if err != nil {
				return err
			}
			worker, err := readKey(args[1], keys.Worker)
			if err != nil {
				return err
			}
			found, err := r.Admission(cmd.Context(), worker.ID())
			if err != nil {
				return err
			}
			view := struct {
				Worker merkle.Hash `json:"worker"`
				registry.Admission
				Open int `json:"open"`
			}{worker.ID(), found, found.Open()}
			return a.emit(view, func(w io.Writer) {
				row(w, "worker", view.Worker)
				row(w, "assigned", view.Assigned)
				row(w, "claimed", view.Received)
				row(w, "ended without a claim", view.Ended)
				row(w, "open", view.Open)
			})
		}),
	}
}

func (a *app) registryEndCommand() *cobra.Command {
	var dir, worker string
	var slot uint32
	cmd := &cobra.Command{
		Use:   "end FOLDER --job FOLDER --worker WORKER.pub --slot N",
		Short: "Record that an assignment ended without a claim",
		Long: `end records for good that nobody claims an assigned slot any more. It counts
against the worker's key, and the slot is given to nobody again. A slot whose claim
has a receipt does not end.`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			r, err := openRegistry(args[0])
			if err != nil {
				return err
			}
			id, err := readKey(worker, keys.Worker)
			if err != nil {
				return err
			}
			file, err := readFile(filepath.Join(dir, verify.JobFile), document.MaxSize)
			if err != nil {
				return err
			}
			_, of, err := pool.ReadJob(file)
			if err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			at, err := r.Expire(registry.Slot{Job: of, Worker: id.ID(), Slot: slot}, time.Now())
			if err != nil {
				return err
			}
			view := struct {
				Job    merkle.Hash `json:"job"`
				Worker merkle.Hash `json:"worker"`
				Slot   uint32      `json:"slot"`
				Ended  time.Time   `json:"ended"`
			}{of, id.ID(), slot, at}
			return a.emit(view, func(w io.Writer) {
				row(w, "job", view.Job)
				row(w, "worker", view.Worker)
				row(w, "slot", view.Slot)
				row(w, "ended", view.Ended.Format(time.RFC3339))
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&dir, "job", "", "the job's folder")
	f.StringVar(&worker, "worker", "", "worker's public key")
	f.Uint32Var(&slot, "slot", 0, "the slot")
	for _, name := range []string{"job", "worker"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

// checkRegistry reads all of a registry and prints what is in it.
func (a *app) checkRegistry(ctx context.Context, dir string) error {
	r, err := registry.Check(ctx, dir)
	if err != nil {
		return err
	}
	if r.Unfinished > 0 {
		a.note("%s: %d files were left on their way; they were given to nobody, and may be removed while nothing runs", dir, r.Unfinished)
	}
	return a.emit(r, func(w io.Writer) {
		row(w, "registry", dir)
		row(w, "registrations", r.Registrations)
		row(w, "assignments", r.Assignments)
		row(w, "receipts", r.Receipts)
		row(w, "ended without a claim", r.Ended)
		row(w, "openings", r.Openings)
		row(w, "judged", r.Judged)
		row(w, "on lists of values", r.Listed)
		row(w, "unfinished", r.Unfinished)
	})
}
