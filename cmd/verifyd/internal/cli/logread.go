package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

func (a *app) logProofCommand() *cobra.Command {
	var out, under string
	var index, since int64
	cmd := &cobra.Command{
		Use:   "proof FOLDER [FILE | --index N | --since SIZE]",
		Short: "Prove that a file is in the log, or that the log only grew",
		Long: `proof writes the proof that a file, or the entry at an index, is under the log's
published checkpoint (c2sp.org/tlog-proof). With --since it writes the proof that
the published tree begins with the tree of SIZE entries that somebody saw before
(the body of c2sp.org/tlog-witness's add-checkpoint). With --under it proves the
same of a checkpoint that the log published at some time, as an epoch root names
one.`,
		Example: `  verifyd log proof log one.vproof --out one.vproof.tlog-proof
  verifyd log proof log --since 4096`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			given := len(args) - 1
			for _, name := range []string{"index", "since"} {
				if cmd.Flags().Changed(name) {
					given++
				}
			}
			if given != 1 {
				return usageError{errors.New("want one of FILE, --index and --since")}
			}
			f, err := translog.OpenFolder(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if len(args) == 2 {
				entry, err := readFile(args[1], proof.MaxEntrySize)
				if err != nil {
					return err
				}
				if index, err = f.Find(proof.LeafHash(entry)); err != nil {
					return fmt.Errorf("%s: %w", args[1], err)
				}
			}
			signed, _, err := f.Checkpoint()
			if under != "" {
				signed, err = readFile(under, proof.MaxCheckpointSize)
			}
			if err != nil {
				return err
			}
			prove, at := f.ProofUnder, index
			if cmd.Flags().Changed("since") {
				prove, at = f.ConsistencyUnder, since
			}
			text, err := prove(signed, at)
			if err != nil {
				return err
			}
			if out != "" {
				return writeNew(out, text, 0o644)
			}
			_, err = a.stdout.Write(text)
			return err
		}),
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "file to write the proof to; it must not exist; standard output if not given")
	f.StringVar(&under, "under", "", "file of a checkpoint that the log published; the published one if not given")
	f.Int64Var(&index, "index", 0, "index of the entry")
	f.Int64Var(&since, "since", 0, "size of the older tree")
	return cmd
}

func (a *app) logVerifyCommand() *cobra.Command {
	var proofFile, keyFile, policyFile string
	cmd := &cobra.Command{
		Use:   "verify FILE --proof FILE.tlog-proof --log-key LOG.pub",
		Short: "Check without a network that a file is in a log",
		Long: `verify checks a proof with nothing but the log's key. With --witnesses it also
demands the cosignatures of a policy's witnesses.`,
		Example: `  verifyd log verify one.vproof --proof one.vproof.tlog-proof --log-key log.pub`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			entry, err := readFile(args[0], proof.MaxEntrySize)
			if err != nil {
				return err
			}
			text, err := readFile(proofFile, proof.MaxProofSize)
			if err != nil {
				return err
			}
			policy, err := readLogPolicy(keyFile, policyFile)
			if err != nil {
				return err
			}
			at, err := policy.Verify(text, entry)
			if err != nil {
				return fmt.Errorf("%s: %w", proofFile, err)
			}
			view := struct {
				Origin string `json:"origin"`
				Index  int64  `json:"index,string"`
				Size   int64  `json:"size,string"`
				Root   string `json:"root"`
			}{at.Checkpoint.Origin, at.Index, at.Checkpoint.Size, at.Checkpoint.Root.String()}
			return a.emit(view, func(w io.Writer) {
				row(w, "log", view.Origin)
				row(w, "index", fmt.Sprintf("%d of %d", view.Index, view.Size))
				row(w, "root", view.Root)
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&proofFile, "proof", "", "the proof (c2sp.org/tlog-proof)")
	f.StringVar(&keyFile, "log-key", "", "file of the log's key, as init leaves it in log.pub")
	f.StringVar(&policyFile, "witnesses", "", "policy file (c2sp.org/tlog-policy) whose quorum must have cosigned")
	for _, name := range []string{"proof", "log-key"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

// readLogPolicy reads whose signature on a checkpoint counts: a log's, and
// those of a policy file's witnesses if there is one.
func readLogPolicy(keyFile, policyFile string) (*proof.Policy, error) {
	key, err := translog.ReadKey(keyFile)
	if err != nil {
		return nil, err
	}
	if policyFile == "" {
		return proof.NewPolicy(key)
	}
	return readWitnesses(policyFile, key)
}

func (a *app) logServeCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "serve FOLDER --listen ADDRESS",
		Short: "Serve a log's checkpoint and tiles over HTTP, read-only",
		Long: `serve answers GET and HEAD for the checkpoint, the tiles and the entries of a log
(c2sp.org/tlog-tiles), and nothing else. It needs no key and may run beside the
process that writes. Put a server that speaks TLS in front of it.`,
		Example: `  verifyd log serve log --listen 127.0.0.1:8080`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			f, err := translog.OpenFolder(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM)
			defer stop()
			listener, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			a.note("serving %s at http://%s/", args[0], listener.Addr())
			return translog.Serve(ctx, listener, f.Handler(a.log))
		}),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address and port to listen at")
	return cmd
}
