package cli

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// verifyOptions are what a verifier adds to a bundle.
type verifyOptions struct {
	operator, key          string // files
	verdict, proof         string // files to write
	spent                  string // file, empty for the one beside proof
	epoch                  uint64
	account                string
	units, cumulativeUnits string
	maxMemory              size
	check, verifier        string // files: another's verdict and that verifier's public key
	parallel               int    // 0 for what suits the device
	log                    recorder
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify BUNDLE... --operator KEY.pub",
		Short: "Replay what was challenged and say PASS, FAIL, INCONCLUSIVE or UNAUDITED",
		Long: `verify checks a bundle against the operator's public key and replays the
segments that the beacon picked. It needs nothing but the bundle and the key.

The exit code is 0 for PASS, 3 for FAIL, 4 for INCONCLUSIVE and 5 for UNAUDITED, a
claim that the beacon did not draw; 1 means that the bundle cannot be judged. A
FAIL has been confirmed by a second replay on another code path. With --key the
verdict, and what it is worth, can be signed. It then holds an imprint of each
replayed segment: a hash that takes this key and the tensors of the segment's last
step.

With --check-verdict another verifier's verdict is held against a replay with that
verifier's key id: whether it finds the same and leaves the same imprints. One that
was written from the documents alone, or copied, does not. The exit code is 0 if it
holds, whatever it says, and 1 if it does not. That verifier and worker are two, and
that the worker did not hand the tensors over, no imprint shows.

Several bundles are judged side by side, each within --max-memory, and shown in
their order. Then the exit code is that of the worst: 1 before 3, 4, 5 and 0. With
-o json several are one array of objects with bundle and verdict, or error.`,
		Example: `  verifyd verify bundle --operator operator.pem.pub
  verifyd verify bundle --operator operator.pem.pub --key verifier.pem \
      --verdict verdict.json --proof proof.json --units 1000 --account 0x...
  verifyd verify bundle --operator operator.pem.pub \
      --check-verdict verdict.json --verifier verifier.pem.pub`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.verify(cmd, args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.operator, "operator", "", "operator's public key (PEM)")
	f.StringVar(&o.key, "key", "", "verifier's private key, to sign with")
	f.StringVar(&o.verdict, "verdict", "", "file to write the signed verdict to")
	f.StringVar(&o.proof, "proof", "", "file to write the signed contribution proof to")
	f.StringVar(&o.spent, "spent", "", "file of the work that was paid, which --proof is recorded in; "+spentFile+" beside --proof if not given")
	f.StringVar(&o.check, "check-verdict", "", "another verifier's signed verdict, to hold against a replay")
	f.StringVar(&o.verifier, "verifier", "", "for --check-verdict: that verifier's public key (PEM)")
	f.Uint64Var(&o.epoch, "epoch", 0, "for the proof: the pool's accounting period")
	f.StringVar(&o.account, "account", "", "for the proof: ledger account, "+accountForm+"; the worker's key id if not given")
	f.StringVar(&o.units, "units", "0", "for the proof: what the claim earns if it passes")
	f.StringVar(&o.cumulativeUnits, "earned", "0", "for the proof: what the account has earned before")
	f.IntVar(&o.parallel, "parallel", 0, "bundles judged at once; 0 for 4 on a GPU and 1 on a CPU")
	memoryFlag(cmd, &o.maxMemory)
	o.log.flags(cmd)
	_ = cmd.MarkFlagRequired("operator") // fails only for a flag that is not there
	return cmd
}

func (a *app) verify(cmd *cobra.Command, bundles []string, o verifyOptions) error {
	signs := o.verdict != "" || o.proof != ""
	if signs != (o.key != "") {
		return usageError{errors.New("--key belongs to --verdict or --proof, and is needed there")}
	}
	if o.log.folder != "" && o.proof == "" {
		return usageError{errors.New("--log needs --proof: it is what is logged")}
	}
	if signs && len(bundles) > 1 {
		return usageError{errors.New("--verdict and --proof are for one bundle")}
	}
	if o.parallel < 0 || o.parallel > 256 {
		return usageError{fmt.Errorf("--parallel %d: want 0 to 256", o.parallel)}
	}
	if checks := o.check != ""; checks != (o.verifier != "") || checks && (signs || len(bundles) > 1) {
		return usageError{errors.New("--check-verdict and --verifier belong together, and are for one bundle and no --key")}
	}
	credit, err := o.credit()
	if err != nil {
		return usageError{err}
	}
	operator, err := readKey(o.operator, keys.Operator, inBundles(cmd.Context(), bundles...))
	if err != nil {
		return err
	}
	if o.check != "" {
		return a.checkVerdict(cmd.Context(), bundles[0], operator, o)
	}
	var key *keys.Signer
	var verifier merkle.Hash
	if signs {
		// All that can go wrong afterwards is better known before.
		if key, err = a.openKey(cmd.Context(), o.key, keys.Verifier); err != nil {
			return err
		}
		defer key.Close()
		public, err := document.NewKey(key.Public())
		if err != nil {
			return err
		}
		verifier = public.ID()
		if err := errors.Join(fresh(o.verdict), fresh(o.proof)); err != nil {
			return err
		}
	}
	devices, err := a.devices(cmd.Context())
	if err != nil {
		return err
	}
	judge := a.judge(operator, verifier, o, devices)
	if len(bundles) > 1 {
		return a.verifySeveral(cmd.Context(), bundles, judge, o.parallel)
	}
	j := judge.Bundle(cmd.Context(), bundles[0], a.progress("replaying"))
	if j.Err != nil {
		return j.Err
	}
	if o.verdict != "" {
		signed, err := j.Verdict.Sign(key)
		if err != nil {
			return err
		}
		if err := writeNew(o.verdict, signed, 0o644); err != nil {
			return err
		}
		a.note("signed verdict in %s", o.verdict)
	}
	if o.proof != "" {
		if err := a.prove(cmd.Context(), j, key, credit, o); err != nil {
			return err
		}
	}
	if err := a.emit(j.Verdict, func(w io.Writer) {
		verdictText(w, j.Verdict, j.Took)
		walkText(w, &j.Verdict.Finding, j.Case)
	}); err != nil {
		return err
	}
	return ending(j.Severity())
}

// credit reads the part of a proof that a verdict does not give.
func (o verifyOptions) credit() (c pool.Credit, err error) {
	c.Epoch = o.epoch
	if c.Units, err = proofs.ParseUint128(o.units); err != nil {
		return c, fmt.Errorf("--units: %w", err)
	}
	if c.Cumulative, err = proofs.ParseUint128(o.cumulativeUnits); err != nil {
		return c, fmt.Errorf("--earned: %w", err)
	}
	if o.account != "" {
		if c.Account, err = proofs.ParseAccount(o.account); err != nil {
			return c, fmt.Errorf("--account: %w", err)
		}
	}
	return c, nil
}

// prove writes the signed contribution proof of a verdict.
func (a *app) prove(ctx context.Context, j *pool.Judged, key crypto.Signer, credit pool.Credit, o verifyOptions) error {
	c, err := j.State(credit, time.Now())
	if err != nil {
		return err
	}
	signed, err := proofs.Sign(c, key)
	if err != nil {
		return err
	}
	if err := fresh(o.proof); err != nil {
		return err
	}
	if err := a.spend(o.spent, o.proof, c); err != nil {
		return err
	}
	file := signed.Bytes()
	err = a.recorded(ctx, o.log, [][]byte{file}, func() error { return writeNew(o.proof, file, 0o644) })
	if err != nil {
		return err
	}
	a.note("signed contribution proof in %s", o.proof)
	return nil
}

// wordText says whose word the times of a finding rest on.
func wordText(w verify.Word) string {
	if w == verify.WitnessesWord {
		return "the job's witnesses saw what it rests on in time"
	}
	return "the operator is believed about it"
}

func verdictText(w io.Writer, v *verify.Verdict, took time.Duration) {
	f := v.Finding
	row(w, f.Outcome)
	if f.Reason != verify.Honest {
		row(w, "reason", f.Reason)
	}
	if d := f.First; d != nil {
		where := fmt.Sprintf("step %d of segment %d", d.Step, d.Segment)
		if d.Tensor != "" {
			where += ", tensor " + d.Tensor
		}
		row(w, "first difference", where)
	}
	if f.Outcome == verify.Unaudited {
		row(w, "replayed", fmt.Sprintf("0 of %d steps: the beacon did not draw the claim for audit, and nothing is known of it", f.Steps))
	} else {
		row(w, "replayed", fmt.Sprintf("%d of %d steps in %.1f s: segments %s of %d", f.Replayed, f.Steps, took.Seconds(), list(beginning(&f)), f.Segments))
	}
	row(w, "picked by", fmt.Sprintf("%s round %d, randomness %s", f.Beacon, f.Round, f.Randomness))
	if f.Sampled > 0 {
		oddsText(w, f.Odds)
	}
	row(w, "job", f.Job)
	row(w, "worker", fmt.Sprintf("%s, slot %d", f.Worker, f.Slot))
	row(w, "claim", f.Root)
	row(w, "evidence", v.Evidence)
	imprintText(w, v)
	row(w, "build", fmt.Sprintf("%s %s, profile %s, %s", v.Build.Version, v.Build.Revision, f.Profile, v.Build.Device))
	if v.Build.Confirmed != "" {
		row(w, "confirmed by", v.Build.Confirmed)
	}
	row(w, "time", wordText(f.Word))
}
