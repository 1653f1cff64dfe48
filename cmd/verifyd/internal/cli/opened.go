package cli

import (
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
)

func (a *app) jobOpenedCommand() *cobra.Command {
	var keyFile, out string
	cmd := &cobra.Command{
		Use:   "opened BUNDLE --key OPERATOR",
		Short: "Sign the time at which the answer to a challenge arrived",
		Long: `opened signs that the opening in a bundle arrived now and whole, and puts that
beside it. Whether an answer is in time, its receipt says, whenever it is judged: a
bundle without one is silence. From then on its files are whoever keeps them to lose,
and the worker never fails for it.`,
		Example: `  verifyd job opened bundle --key operator.pem`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			key, err := a.openKey(cmd.Context(), keyFile, keys.Operator)
			if err != nil {
				return err
			}
			defer key.Close()
			at := time.Now()
			bundle, err := verify.OpenBundle(args[0])
			if err != nil {
				return err
			}
			defer bundle.Close()
			file, err := verify.ReceiveOpening(cmd.Context(), bundle, at, key)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(args[0], verify.OpenedFile)
			}
			if err := writeNew(out, file, 0o644); err != nil {
				return err
			}
			view := struct {
				Opened  string    `json:"opened"`
				Arrived time.Time `json:"arrived"`
			}{out, at.UTC().Truncate(time.Second)}
			return a.emit(view, func(w io.Writer) {
				row(w, "opened", view.Opened)
				row(w, "arrived", view.Arrived.Format(time.RFC3339))
			})
		}),
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "operator's private key")
	cmd.Flags().StringVar(&out, "out", "", "file to write; opened.json in the bundle's folder if not given")
	require(cmd, "key")
	return cmd
}
