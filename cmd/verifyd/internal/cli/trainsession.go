package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/session"
	"github.com/verifyd/verifyd/verify"
)

func (a *app) trainSessionCommand() *cobra.Command {
	var who worker
	var assignment, out string
	var memory int
	cmd := &cobra.Command{
		Use:   "session JOB --assignment FILE --operator KEY.pub --data FILE --key WORKER --memory FD --out FOLDER",
		Short: "Do the work of a job step by step, as another process asks for it",
		Long: `session is run for a process that wants to see its training: it asks for steps over
standard input, and batches and states lie in memory that both share, an open file
that it hands down. verifyd's Python package has a Trainer that does. What is left
in the end is what run leaves: a trace and a signed claim, with the same bytes.`,
		Example: `  verifyd train session job --assignment assignment.json --operator operator.pem.pub \
      --data data.safetensors --key worker.pem --memory 3 --out trace 3<>/dev/shm/tensors`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) (err error) {
			if memory < 3 {
				return usageError{fmt.Errorf("--memory %d: want the number of an open file, 3 or more", memory)}
			}
			file := os.NewFile(uintptr(memory), "memory")
			if file == nil {
				return usageError{fmt.Errorf("--memory %d: no open file has this number", memory)}
			}
			defer file.Close()
			w, err := a.takeWork(cmd.Context(), args[0], who, assignment)
			if err != nil {
				return err
			}
			defer w.Close()
			training, err := verify.Begin(cmd.Context(), w.Work, out)
			if err != nil {
				return err
			}
			s := session.New(training, w.Terms, file, os.Stdin, a.stdout)
			if err := s.Serve(cmd.Context()); err != nil {
				return errors.Join(err, training.Abort(cmd.Context()))
			}
			summary, err := training.Finish(cmd.Context())
			if err != nil {
				return err
			}
			if err := leaveClaim(w.offer, summary, w.assigned, w.key, out); err != nil {
				return err
			}
			return s.Answer(struct {
				Step  uint64 `json:"step"`
				Claim string `json:"claim"`
				Root  string `json:"root"`
				Final string `json:"final"`
			}{summary.Steps, filepath.Join(out, verify.ClaimFile), summary.Root.String(), summary.Final.String()})
		}),
	}
	who.flags(cmd)
	cmd.Flags().StringVar(&assignment, "assignment", "", "the operator's assignment of a slot")
	cmd.Flags().IntVar(&memory, "memory", 0, "number of an open file that the other process has mapped")
	cmd.Flags().StringVar(&out, "out", "", "folder to make for the trace and the claim")
	require(cmd, "assignment", "memory", "out")
	return cmd
}
