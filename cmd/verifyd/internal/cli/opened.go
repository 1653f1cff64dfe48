package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
)

func (a *app) jobOpenedCommand() *cobra.Command {
	var o desk
	var out string
	cmd := &cobra.Command{
		Use:   "opened BUNDLE --job FOLDER --registry FOLDER --key OPERATOR",
		Short: "Sign the time at which the answer to a challenge arrived",
		Long: `opened signs that the opening in a bundle arrived now and whole, and puts that
beside it. Whether an answer is in time, its receipt says, whenever it is judged: a
bundle without one is silence. From then on its files are whoever keeps them to lose,
and the worker never fails for it. Each claim has one opening, ever, which the registry
remembers; asked again for the same, opened gives the first receipt.`,
		Example: `  verifyd job opened bundle --job job --registry registry --key operator.pem`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			if out == "" {
				if !info.IsDir() {
					return usageError{errors.New("--out is needed where the bundle is an archive")}
				}
				out = filepath.Join(args[0], verify.OpenedFile)
			}
			bundle, err := verify.OpenBundle(args[0])
			if err != nil {
				return err
			}
			defer bundle.Close()
			var opened *pool.Opened
			err = a.atDesk(cmd.Context(), &o, func(d *pool.Desk) (pool.Given, error) {
				if opened, err = d.Open(cmd.Context(), bundle); err != nil {
					return pool.Given{}, err
				}
				return opened.Given, nil
			}, &out)
			if err != nil {
				return err
			}
			if opened.Arrived.After(opened.Deadline) {
				a.note("the deadline was %s: the claim fails for it", opened.Deadline.Format(time.RFC3339))
			}
			view := struct {
				Opened   string    `json:"opened"`
				Arrived  time.Time `json:"arrived"`
				Deadline time.Time `json:"deadline"`
			}{out, opened.Arrived, opened.Deadline}
			return a.emit(view, func(w io.Writer) {
				row(w, "opened", view.Opened)
				row(w, "arrived", view.Arrived.Format(time.RFC3339))
			})
		}),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write; opened.json in the bundle's folder if not given")
	return cmd
}
