package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/round"
	"github.com/verifyd/verifyd/verify/trace"
)

func (a *app) roundCommand() *cobra.Command {
	return group("round", "Train in rounds: many workers from one base, and the next base out of what they were verified to have trained",
		a.roundOpenCommand(), a.roundTakeCommand(), a.roundAggregateCommand(), a.roundCheckCommand())
}

// openingOptions are what an operator decides about a round.
type openingOptions struct {
	jobs, verifiers      []string // folders, files
	validation, key, out string
	after                string // folder of the round before
	kind, weights        string
	rate, momentum       float64
}

func (a *app) roundOpenCommand() *cobra.Command {
	var o openingOptions
	cmd := &cobra.Command{
		Use:   "open --job FOLDER... --validation FILE --verifier KEY.pub... --key OPERATOR --out FOLDER",
		Short: "Sign what a round is: base, jobs, validation rows, and how the next base is made",
		Long: `open signs a round and makes its folder, which holds all that it takes to make its
next base again. All jobs start from one base (job new --base), the one that the round
before made (--after).

With --rule mean the next base is the weighted mean of the finals. With --rule nesterov
it is where SGD with Nesterov momentum goes on the way there, as in DiLoCo, and the
momentum is a file of the round, too.`,
		Example: `  verifyd round open --job job0 --validation validation.safetensors --verifier verifier.pem.pub \
      --key operator.pem --out round0
  verifyd round open --after round0 --job job1 --validation validation.safetensors \
      --verifier verifier.pem.pub --key operator.pem --out round1`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.openRound(cmd.Context(), o) }),
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.jobs, "job", nil, "folder of a job; repeat for each job")
	f.StringArrayVar(&o.verifiers, "verifier", nil, "public key of a verifier whose verdicts count; repeat for each")
	f.StringVar(&o.validation, "validation", "", "validation rows of the round's values: safetensors with tensors x and y")
	f.StringVar(&o.key, "key", "", "operator's private key")
	f.StringVar(&o.out, "out", "", "folder to make")
	f.StringVar(&o.after, "after", "", "folder of the round before, which is aggregated; none for the first round")
	f.StringVar(&o.kind, "rule", round.Mean, "how the next base is made: mean or nesterov")
	f.StringVar(&o.weights, "weights", round.ByRows, "what a final weighs: rows, as many as its steps may have read, or equal")
	f.Float64Var(&o.rate, "rate", 0.7, "with nesterov: learning rate of the outer SGD, in millionths")
	f.Float64Var(&o.momentum, "momentum", 0.9, "with nesterov: its momentum, in millionths")
	complete(cmd, "rule", round.Mean, round.Nesterov)
	complete(cmd, "weights", round.ByRows, round.Equally)
	require(cmd, "job", "validation", "verifier", "key", "out")
	return cmd
}

// rule is what the flags say of how the next base is made.
func (o *openingOptions) rule() round.Rule {
	r := round.Rule{Kind: o.kind, Weights: o.weights}
	if o.kind == round.Nesterov {
		r.Rate, r.Momentum = inMillionths(o.rate), inMillionths(o.momentum)
	}
	return r
}

// inMillionths is a number in millionths, or the largest one if it has none.
func inMillionths(x float64) uint32 {
	if x = math.Round(x * round.Millionths); x >= 0 && x < math.MaxUint32 {
		return uint32(x)
	}
	return math.MaxUint32
}

func (a *app) openRound(ctx context.Context, o openingOptions) error {
	key, err := a.openKey(ctx, o.key, keys.Operator, inJobs(o.jobs...))
	if err != nil {
		return err
	}
	defer key.Close()
	operator, err := keyOf(key)
	if err != nil {
		return err
	}
	r := round.Round{Rule: o.rule()}
	for _, path := range o.verifiers {
		verifier, err := readKey(path, keys.Verifier)
		if err != nil {
			return err
		}
		r.Verifiers = append(r.Verifiers, verifier)
	}
	rows, err := readData(o.validation)
	if err != nil {
		return err
	}
	r.Validation = rows.Set().Root
	parts := round.Parts{Base: filepath.Join(o.jobs[0], verify.BaseFile)}
	if parts.Program, err = readFile(filepath.Join(o.jobs[0], verify.ProgramFile), program.MaxJSON); err != nil {
		return err
	}
	for _, dir := range o.jobs {
		data, err := readFile(filepath.Join(dir, verify.JobFile), document.MaxSize)
		if err != nil {
			return err
		}
		parts.Jobs = append(parts.Jobs, data)
	}
	follows := func(*round.Round) error { return nil }
	if o.after != "" {
		before, made, digest, err := round.Signed(o.after, operator)
		if err != nil {
			return err
		}
		r.Index, r.Previous = before.Index+1, digest
		if made.Momentum != (merkle.Hash{}) {
			parts.Momentum = filepath.Join(o.after, round.NextMomentumFile)
		}
		follows = func(r *round.Round) error { return r.Follows(before, made, digest) }
	}
	b, err := round.Create(o.out, r, parts, follows, key, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	view := struct {
		Folder string       `json:"folder"`
		Digest merkle.Hash  `json:"digest"`
		Round  *round.Round `json:"round"`
	}{o.out, b.Digest, b.Round}
	return a.emit(view, func(w io.Writer) {
		row(w, "round", fmt.Sprintf("%d, %v", b.Round.Index, b.Digest))
		row(w, "folder", o.out)
		row(w, "base", b.Round.Base)
		row(w, "jobs", len(b.Round.Jobs))
		row(w, "rule", fmt.Sprintf("%s, weights %s", b.Round.Rule.Kind, b.Round.Rule.Weights))
	})
}

// openBooks reads a round's folder.
func openBooks(dir, operatorFile string) (*round.Books, error) {
	operator, err := readKey(operatorFile, keys.Operator)
	if err != nil {
		return nil, err
	}
	return round.Open(dir, operator, runtime.GOMAXPROCS(0))
}

func (a *app) roundTakeCommand() *cobra.Command {
	var operator, final, verdict string
	cmd := &cobra.Command{
		Use:   "take ROUND --final TRACE --verdict FILE --operator KEY.pub",
		Short: "Take a final with a PASS into a round's folder",
		Long: `take copies the final state of a claim, which a worker's trace holds as
` + trace.FinalFile + `, and the verdict on the claim into the round's folder. A verdict that is
no PASS, of another job than the round's, or of another verifier's is refused. The state
is held against its claim when it is read into the mean.`,
		Example: `  verifyd round take round0 --final alice --verdict alice/verdict.json --operator operator.pem.pub`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			b, err := openBooks(args[0], operator)
			if err != nil {
				return err
			}
			signed, err := readFile(verdict, document.MaxSize)
			if err != nil {
				return err
			}
			f, err := b.Take(cmd.Context(), filepath.Join(final, trace.FinalFile), verdict, signed)
			if err != nil {
				return err
			}
			return a.emit(f, func(w io.Writer) {
				row(w, "claim", f.Claim)
				row(w, "worker", fmt.Sprintf("%s, slot %d", f.Worker, f.Slot))
				row(w, "weight", f.Weight)
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&operator, "operator", "", "operator's public key (PEM)")
	f.StringVar(&final, "final", "", "folder of the trace, with its final state")
	f.StringVar(&verdict, "verdict", "", "signed verdict on the claim")
	require(cmd, "operator", "final", "verdict")
	return cmd
}

func (a *app) roundAggregateCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "aggregate ROUND --key OPERATOR",
		Short: "Make the next base from the finals of a round, and sign both",
		Long: `aggregate makes the next base from all finals that were taken into the round's folder,
writes it there as ` + round.NextFile + ` and signs what it was made from. A final whose root is
not its claim's, or a round without any, is an error that leaves nothing.`,
		Example: `  verifyd round aggregate round0 --key operator.pem`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			signer, err := a.openKey(cmd.Context(), key, keys.Operator)
			if err != nil {
				return err
			}
			defer signer.Close()
			operator, err := keyOf(signer)
			if err != nil {
				return err
			}
			b, err := round.Open(args[0], operator, runtime.GOMAXPROCS(0))
			if err != nil {
				return err
			}
			m, err := b.Aggregate(cmd.Context(), signer)
			if err != nil {
				return err
			}
			return a.emit(m.Aggregate, func(w io.Writer) {
				row(w, "finals", len(m.Aggregate.Finals))
				row(w, "base", m.Aggregate.Base)
				row(w, "file", filepath.Join(args[0], round.NextFile))
			})
		}),
	}
	cmd.Flags().StringVar(&key, "key", "", "operator's private key")
	require(cmd, "key")
	return cmd
}

func (a *app) roundCheckCommand() *cobra.Command {
	var operator string
	cmd := &cobra.Command{
		Use:   "check ROUND... --operator KEY.pub",
		Short: "Make the bases of rounds again, and name the first difference",
		Long: `check makes the next base of each round again from its folder, on any machine, and
names the first thing in which the folder says otherwise: a final, a root, an element.
Of several rounds each must follow the one before. It does not judge claims again:
verify does.`,
		Example: `  verifyd round check round0 round1 round2 --operator operator.pem.pub`,
		Args:    cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			key, err := readKey(operator, keys.Operator)
			if err != nil {
				return err
			}
			checked, err := round.CheckAll(cmd.Context(), args, key, runtime.GOMAXPROCS(0))
			if err != nil {
				return err
			}
			return a.emit(checked, func(w io.Writer) {
				row(w, "ROUND", "FINALS", "BASE", "NEXT BASE")
				for _, c := range checked {
					row(w, c.Index, c.Finals, c.Base, c.Next)
				}
			})
		}),
	}
	cmd.Flags().StringVar(&operator, "operator", "", "operator's public key (PEM)")
	require(cmd, "operator")
	return cmd
}
