package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) jobReceiptCommand() *cobra.Command {
	var dir, keyFile, assignment, leaves, out string
	var sampled uint32
	cmd := &cobra.Command{
		Use:   "receipt CLAIM --leaves FILE --assignment FILE --job FOLDER --key OPERATOR --out FILE",
		Short: "Sign the time at which a claim arrived, which fixes the beacon's round",
		Long: `receipt signs that a claim arrived now, with all of its leaves. Give each worker
and slot one receipt, ever: a second one would draw the challenge anew. A claim whose
leaves are missing or are not those that it commits to gets none.`,
		Example: `  verifyd job receipt claim.json --leaves leaves.bin --assignment assignment.json \
      --job job --key operator.pem --out receipt.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			key, err := a.openKey(cmd.Context(), keyFile, keys.Operator)
			if err != nil {
				return err
			}
			defer key.Close()
			operator, err := keyOf(key)
			if err != nil {
				return err
			}
			t, err := readOfferBy(dir, operator)
			if err != nil {
				return err
			}
			claim, err := readFile(args[0], document.MaxSize)
			if err != nil {
				return err
			}
			arrived := verify.Arrival{Claim: claim, At: time.Now(), Sampled: sampled}
			if sampled == 0 {
				arrived.Sampled = t.Job.Sampled.Least
			}
			if arrived.Assignment, err = readFile(assignment, document.MaxSize); err != nil {
				return err
			}
			file, err := os.Open(leaves)
			if err != nil {
				return err
			}
			defer file.Close()
			arrived.Leaves = file
			receipt, err := pool.Receive(t.Terms, arrived, key)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := writeNew(out, receipt.File, 0o644); err != nil {
				return err
			}
			return a.emitReceipt(out, receipt)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&dir, "job", "", "the job's folder")
	f.StringVar(&keyFile, "key", "", "operator's private key")
	f.StringVar(&assignment, "assignment", "", "the assignment that the claim is to")
	f.StringVar(&leaves, "leaves", "", "leaves.bin, as it came with the claim")
	f.Uint32Var(&sampled, "sampled", 0, "segments that will be drawn of this claim, in the job's range; 0 is the least")
	f.StringVar(&out, "out", "", "file to write; it must not exist")
	require(cmd, "assignment", "leaves", "job", "key", "out")
	return cmd
}

// emitReceipt prints which value of the beacon will pick what is replayed.
func (a *app) emitReceipt(path string, r *pool.Receipt) error {
	view := struct {
		Receipt  string    `json:"receipt"`
		Arrived  time.Time `json:"arrived"`
		Beacon   string    `json:"beacon"`
		Round    uint64    `json:"round"`
		Deadline time.Time `json:"deadline"`
	}{path, r.Arrived, r.Beacon, r.Round, r.Deadline}
	return a.emit(view, func(w io.Writer) {
		row(w, "receipt", view.Receipt)
		row(w, "arrived", view.Arrived.Format(time.RFC3339))
		row(w, "beacon", fmt.Sprintf("%s, round %d", view.Beacon, view.Round))
		row(w, "to be opened by", view.Deadline.Format(time.RFC3339))
	})
}

func (a *app) jobBeaconCommand() *cobra.Command {
	var round uint64
	var out string
	cmd := &cobra.Command{
		Use:   "beacon SIGNATURE --round N --out FILE",
		Short: "Check a round of drand quicknet without a network and write it as a beacon",
		Long: `beacon takes the signature of a drand quicknet round, in hex, as published at
https://api.drand.sh/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/ROUND
and checks it against the chain's public key, which is built in.`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			b := beacon.Beacon{Chain: beacon.Quicknet, Round: round, Value: args[0]}
			random, err := (beacon.Chain{Name: beacon.Quicknet}).Randomness(b, round)
			if err != nil {
				return err
			}
			file, err := document.Encode(b)
			if err != nil {
				return err
			}
			if err := writeNew(out, file, 0o644); err != nil {
				return err
			}
			view := struct {
				Beacon     string      `json:"beacon"`
				Round      uint64      `json:"round"`
				Randomness merkle.Hash `json:"randomness"`
			}{out, round, random}
			return a.emit(view, func(w io.Writer) {
				row(w, "beacon", out)
				row(w, "round", round)
				row(w, "randomness", random)
			})
		}),
	}
	cmd.Flags().Uint64Var(&round, "round", 0, "number of the round")
	cmd.Flags().StringVar(&out, "out", "", "file to write; it must not exist")
	for _, name := range []string{"round", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}
