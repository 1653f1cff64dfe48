package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/witness"
)

func (a *app) jobReceiptCommand() *cobra.Command {
	var o desk
	var leaves, late, public, out string
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
where the job asks for witnesses.

Where they saw it too late, nothing can be judged with it, and --renew gives the claim
another one, with the value of the round that the late one fixed. The same claim, and
so the same root, is received again; what was drawn for the late receipt stays drawn,
in addition to what the new round draws. A receipt that was seen in time is not renewed.`,
		Example: `  verifyd job receipt claim.json --leaves leaves.bin --job job --registry registry \
      --key operator.pem --out receipt.json
  verifyd job receipt claim.json --renew receipt.json --beacon round.json --job job \
      --registry registry --key operator.pem --log log --log-key log.pem --out renewed.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			claim, err := readFile(args[0], document.MaxSize)
			if err != nil {
				return err
			}
			if (leaves == "") == (late == "") {
				return usageError{errors.New("want --leaves, or --renew with a receipt that came too late")}
			}
			var receipt *pool.Receipt
			if late != "" {
				if receipt, err = a.renew(cmd.Context(), &o, claim, late, public, &out); err != nil {
					return err
				}
				return a.emitReceipt(out, receipt)
			}
			if public != "" {
				return usageError{errors.New("--beacon belongs to --renew")}
			}
			file, _, err := input.Open(leaves)
			if err != nil {
				return err
			}
			defer file.Close()
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
	f.StringVar(&late, "renew", "", "the claim's receipt, which came too late into the log; its proof lies beside it")
	f.StringVar(&public, "beacon", "", "the round that the late receipt fixed, where the job's chain has rounds")
	f.Uint32Var(&sampled, "sampled", 0, "segments that will be drawn of this claim, in the job's range; 0 is what the worker's record asks for")
	f.StringVar(&out, "out", "", "file to write")
	require(cmd, "out")
	return cmd
}

// renew gives another receipt to a claim whose last one came too late.
func (a *app) renew(ctx context.Context, o *desk, claim []byte, receipt, public string, out *string) (r *pool.Receipt, err error) {
	var late pool.Late
	if late.Receipt, err = readFile(receipt, document.MaxSize); err != nil {
		return nil, err
	}
	late.Proof, err = readFile(receipt+proofSuffix, witness.MaxProof)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if public != "" {
		if late.Beacon, err = readBeacon(public); err != nil {
			return nil, err
		}
	}
	err = a.atDesk(ctx, o, func(d *pool.Desk) (pool.Given, error) {
		if r, err = d.Renew(ctx, claim, late); err != nil {
			return pool.Given{}, fmt.Errorf("%s: %w", receipt, err)
		}
		return r.Given, nil
	}, out)
	return r, err
}

// readBeacon reads a round of a beacon.
func readBeacon(path string) (*beacon.Beacon, error) {
	file, err := readFile(path, document.MaxSize)
	if err != nil {
		return nil, err
	}
	b, err := document.Decode[beacon.Beacon](path, file)
	return &b, err
}

// emitReceipt prints which value of the beacon will pick what is replayed.
func (a *app) emitReceipt(path string, r *pool.Receipt) error {
	view := struct {
		Receipt  string    `json:"receipt"`
		Renews   int       `json:"renews"`
		Arrived  time.Time `json:"arrived"`
		Sampled  uint32    `json:"sampled"`
		Beacon   string    `json:"beacon"`
		Round    uint64    `json:"round"`
		Deadline time.Time `json:"deadline"`
	}{path, r.Renews, r.Arrived, r.Sampled, r.Beacon, r.Round, r.Deadline}
	return a.emit(view, func(w io.Writer) {
		row(w, "receipt", view.Receipt)
		if view.Renews > 0 {
			row(w, "renews", fmt.Sprintf("%d that came too late; what was drawn for them stays drawn", view.Renews))
		}
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
