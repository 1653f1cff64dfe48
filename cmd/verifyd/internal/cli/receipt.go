package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) jobReceiptCommand() *cobra.Command {
	var o desk
	var leaves, out string
	var sampled uint32
	cmd := &cobra.Command{
		Use:   "receipt CLAIM --leaves FILE --job FOLDER --registry FOLDER --key OPERATOR --out FILE",
		Short: "Sign the time at which a claim arrived, which fixes the beacon's round",
		Long: `receipt signs that a claim arrived now, with all of its leaves. Each worker and slot
has one receipt, ever, which the registry remembers: a second one would draw the
challenge anew. Asked again for the same claim, receipt gives the first one. The slot
must be assigned. A claim whose leaves are missing or are not those that it commits to
gets none.

How many segments will be drawn stands in the receipt: the job's larger number for
a worker with nothing to lose, and less the more of its pay is held, by the record
of what was judged. A FAIL brings the larger number back. Claims that were received
and not judged yet are taken off.

With --log the receipt is in the log before anybody has it, and the proof of that is
written to FILE` + proofSuffix + `. It must be cosigned before the beacon's round is published
where the job asks for witnesses.`,
		Example: `  verifyd job receipt claim.json --leaves leaves.bin --job job --registry registry \
      --key operator.pem --out receipt.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			claim, err := readFile(args[0], document.MaxSize)
			if err != nil {
				return err
			}
			file, _, err := input.Open(leaves)
			if err != nil {
				return err
			}
			defer file.Close()
			var receipt *pool.Receipt
			err = a.atDesk(cmd.Context(), &o, func(d *pool.Desk) (pool.Given, error) {
				if receipt, err = d.Receive(cmd.Context(), claim, file, sampled); err != nil {
					return pool.Given{}, fmt.Errorf("%s: %w", args[0], err)
				}
				return receipt.Given, nil
			}, &out)
			if err != nil {
				return err
			}
			return a.emitReceipt(out, receipt)
		}),
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&leaves, "leaves", "", "leaves.bin, as it came with the claim")
	f.Uint32Var(&sampled, "sampled", 0, "segments that will be drawn of this claim, in the job's range; 0 is what the worker's record asks for")
	f.StringVar(&out, "out", "", "file to write")
	require(cmd, "leaves", "out")
	return cmd
}

// emitReceipt prints which value of the beacon will pick what is replayed.
func (a *app) emitReceipt(path string, r *pool.Receipt) error {
	view := struct {
		Receipt  string    `json:"receipt"`
		Arrived  time.Time `json:"arrived"`
		Sampled  uint32    `json:"sampled"`
		Beacon   string    `json:"beacon"`
		Round    uint64    `json:"round"`
		Deadline time.Time `json:"deadline"`
	}{path, r.Arrived, r.Sampled, r.Beacon, r.Round, r.Deadline}
	return a.emit(view, func(w io.Writer) {
		row(w, "receipt", view.Receipt)
		row(w, "arrived", view.Arrived.Format(time.RFC3339))
		row(w, "drawn", fmt.Sprintf("%d segments, and the last one", view.Sampled))
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
