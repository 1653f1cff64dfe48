package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

func (a *app) trainEnterCommand() *cobra.Command {
	var w logOptions
	var dir string
	cmd := &cobra.Command{
		Use:   "enter BUNDLE --log FOLDER --key LOG --witnesses POLICY",
		Short: "Enter an opening into a log of one's own, where the operator does not receive it",
		Long: `enter appends the digest of a bundle's opening to a log that the worker keeps, and
puts the proof into the bundle. If as many witnesses as the job asks for cosigned it by
the deadline, and all files are there, the opening is in time and is judged, whatever
the operator received. The log may be anybody's, for time is the witnesses' to say; they
must know it. Without witnesses in the job this shows nothing, and the operator is
believed.

` + references,
		Example: `  verifyd train enter bundle --log mylog --key log.pem --witnesses witnesses.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			file, err := readFile(filepath.Join(args[0], verify.OpeningFile), document.MaxSize)
			if err != nil {
				return err
			}
			claim, err := readFile(filepath.Join(args[0], verify.ClaimFile), document.MaxSize)
			if err != nil {
				return err
			}
			entry, err := verify.OpeningEntry(file, claim)
			if err != nil {
				return err
			}
			jobFile, err := readFile(filepath.Join(args[0], verify.JobFile), document.MaxSize)
			if err != nil {
				return err
			}
			j, _, err := pool.ReadJob(jobFile)
			if err != nil {
				return err
			}
			if j.Log == nil || len(j.Log.Witnesses) == 0 {
				a.note("the job names no witnesses, so this shows nothing: the operator is believed about time")
			}
			var at []int64
			err = a.openLog(cmd.Context(), dir, &w, func(l *translog.Log) (err error) {
				at, err = l.Append(cmd.Context(), entry)
				return err
			})
			if err != nil {
				return err
			}
			folder, err := translog.OpenFolder(dir)
			if err != nil {
				return err
			}
			defer folder.Close()
			proof, err := folder.Proof(at[0])
			if err != nil {
				return err
			}
			out := filepath.Join(args[0], verify.OpeningProofFile)
			if err := writeNew(out, proof, 0o644); err != nil {
				return err
			}
			view := struct {
				Proof string `json:"proof"`
				Index int64  `json:"index,string"`
			}{out, at[0]}
			return a.emit(view, func(w io.Writer) {
				row(w, "proof", view.Proof)
				row(w, "entry", fmt.Sprint(view.Index))
			})
		}),
	}
	w.flags(cmd)
	cmd.Flags().StringVar(&dir, "log", "", "folder of a log that the worker writes")
	require(cmd, "log", "key")
	return cmd
}
