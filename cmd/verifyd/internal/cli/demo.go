package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/demo"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/verify"
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train on handwritten digits, verify the claims, and try to cheat",
		Long: `demo goes through the whole protocol on this machine, without a network: an
operator signs a job, a worker trains a model on 1,440 handwritten digits and
claims it, a beacon draws what is replayed, a verifier replays it and signs a
contribution proof. Then it forges the claim in six ways, throughout and in a
single segment, and counts how often a challenge catches each. Last, one false
step leads to a state from which training is cheap: chance misses it, and what the
gate measures leads to it.

It writes to a folder of its own, which a second run replaces.`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			devices, err := a.devices(cmd.Context())
			if err != nil {
				return err
			}
			say := a.narrator()
			say("%d images of handwritten digits to train on, %d to test on; files in %s",
				digits.Trained, digits.Count-digits.Trained, dir)
			report, err := demo.Run(cmd.Context(), demo.Options{
				Dir: dir, Devices: devices.Order(), Runner: devices.Runner(),
				Progress: a.progress, Failed: devices.Failed,
				Trained: func(m demo.Model) { modelText(say, m) },
			})
			if errors.Is(err, demo.ErrNotOurs) {
				return hint(err, "name another folder with --out")
			}
			if err != nil {
				return err
			}
			return a.emitReport(report)
		}),
	}
	cmd.Flags().StringVar(&dir, "out", "verifyd-demo", "folder to write to")
	cmd.AddCommand(a.demoRoundCommand())
	return cmd
}

// narrator returns what tells the story as it goes: on standard output with the
// text that it ends in, on standard error when the data is JSON.
func (a *app) narrator() func(format string, args ...any) {
	if a.output == "json" {
		return a.note
	}
	return func(format string, args ...any) { fmt.Fprintf(a.stdout, format+"\n", args...) }
}

func (a *app) emitReport(r *demo.Report) error {
	return a.emit(r, func(w io.Writer) { reportText(w, r) })
}

func modelText(say func(string, ...any), m demo.Model) {
	f := m.Verdict.Finding
	say("")
	say("%s: %s; %d parameters", m.Name, m.What, m.Parameters)
	say("  trained   %d steps in %.1f s; test accuracy %.1f %%", m.Steps, m.Training, 100*m.Accuracy)
	say("  claimed   %d segments of %d steps under root %.16s...", f.Segments, f.Steps/f.Segments, f.Root)
	say("  %-9s segments %s replayed, %d steps in %.1f s", f.Outcome, list(beginning(&f)), f.Replayed, m.Verifying)
	say("  proof     %s", m.Proof)
}

func reportText(w io.Writer, r *demo.Report) {
	fmt.Fprintf(w, "\nforged claims of the %s; the odds, promised and seen in %d challenges\n\n", r.Forged, r.Challenges)
	row(w, "FORGERY", "WHERE", "PROMISED", "SEEN", "FIRST CHALLENGE", "CAUGHT BY")
	for _, f := range r.Forgeries {
		row(w, f.Name, f.Where, promised(f), fmt.Sprintf("%.3f", float64(f.Seen)/float64(r.Challenges)), outcomeText(f.First), caughtText(f))
	}
	single, seen := 0, 0
	for _, f := range r.Forgeries {
		if f.Promised < 1 {
			single, seen = single+r.Challenges, seen+f.Seen
		}
	}
	fmt.Fprintf(w, "\na single forged segment was among those drawn in %d of %d challenges\n", seen, single)
	jumpText(w, r)
	fmt.Fprintf(w, "\nsigned proofs: %s\n", proofFiles(r))
	fmt.Fprintf(w, "their beacon is fixed, so that no network is asked: whoever made its value knew the samples; this is for trials\n")
	fmt.Fprintf(w, "done in %.0f s; now try\n\n", r.Seconds)
	fmt.Fprintf(w, "  verifyd proof verify %s --key %s/keys/verifier.pem.pub\n", r.Models[0].Proof, r.Dir)
	fmt.Fprintf(w, "  verifyd verify %s --operator %s/keys/operator.pem.pub\n", r.Models[0].Bundle, r.Dir)
	fmt.Fprintf(w, "  verifyd verify %s --operator %s/keys/operator.pem.pub\n", r.Jump.Bundle, r.Dir)
}

// promised shows where a probability comes from.
func promised(f demo.Forgery) string {
	if f.Promised == 1 {
		return "1"
	}
	return fmt.Sprintf("%d/%d = %.3f", f.First.Sampled, f.First.Segments, f.Promised)
}

func outcomeText(f verify.Finding) string {
	if f.Outcome == verify.Pass {
		return "PASS, missed"
	}
	return string(f.Outcome)
}

// caughtText says which challenge caught a forgery, and what gave it away.
func caughtText(f demo.Forgery) string {
	return fmt.Sprintf("challenge %d: %s", f.Challenge, foundText(&f.Caught))
}

// foundText says what a finding rests on.
func foundText(f *verify.Finding) string {
	d := f.First
	if d == nil {
		return string(f.Reason)
	}
	what := fmt.Sprintf("step %d, %s", d.Step, f.Reason)
	if d.Tensor != "" {
		what += " of " + d.Tensor
	}
	return what
}

// list writes segment numbers with commas.
func list(numbers []uint64) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ", ")
}

func proofFiles(r *demo.Report) string {
	var files []string
	for _, m := range r.Models {
		files = append(files, m.Proof)
	}
	return strings.Join(files, ", ")
}
