package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/plan"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/odds"
)

// planOptions are what an operator asks about.
type planOptions struct {
	stakes
	job, program    string // folder, file
	segments, steps uint64
	stride, samples uint64
	profile         string
	limit           size
	sampled         segmentRange
	hold            uint64
	audit, seconds  amount
	simulate        bool
	claims          int
	gate            string // that the job names; empty without a job
	// What no flag says: to be found, or the job's.
	holdOpen, kOpen, bondOpen, auditOpen, secOpen bool
}

func (a *app) planCommand() *cobra.Command {
	o := planOptions{audit: amountOf("1"), seconds: amountOf("0"), limit: 4 << 30}
	cmd := &cobra.Command{
		Use:   "plan --pay R --cost C (--segments N | --program FILE --steps T | --job FOLDER)",
		Short: "Choose what is drawn, held and bonded so that no lie pays, and say what it costs",
		Long: `plan takes what a claim is paid and what its work costs, and finds how many
segments must be drawn, of whom, how long pay must be held and which bond is
needed so that no lie pays. What is given is kept; then it says whether a lie
pays, and what alone would change that. The exit code is 1 if a lie pays.

What the gate of a job was measured to add stands beside the odds, and deters
nobody who knows a lie that it does not see: only --gate-power counts it.

The unit is the lie, one false segment: one false step can stand for all the work
but for the gate. With N segments, k drawn, share q audited, a replayed lie missed
with b, and p the probability that the lie is replayed, three things must hold:

  one lie      q (1-b) p (S + (1+h) R) >= C, with h claims held
  new keys     R (1-p)^(h+1) - p S <= max(0, R - C), every claim false
  each claim   the first with as few claims held as suits the worker

The number drawn falls from MOST, of a new key and after a FAIL, to LEAST: of a
worker with n claims held it is MOST/(n+1), at least LEAST. For comparison it says
what lies under new keys would earn if everybody were drawn LEAST.

With a program or a job it says the bytes of an opening and the steps to replay,
and, where an opening is larger than --opening-limit, which stride to choose.
--simulate plays seven ways and more to be paid for no work against six rules, by
formula and by dice, with this pay and cost. docs/odds.md explains how to choose.`,
		Example: `  verifyd plan --pay 1 --cost 0.8 --segments 1000
  verifyd plan --pay 1 --cost 0.8 --job job --step-seconds 0.05
  verifyd plan --pay 1 --cost 1 --segments 1000 --simulate`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			given := cmd.Flags().Changed
			o.holdOpen, o.kOpen, o.bondOpen = !given("hold"), !given("sampled"), !given("bond")
			o.auditOpen, o.secOpen = !given("audit"), !given("step-seconds")
			return a.plan(cmd.Context(), o)
		}),
	}
	o.stakes.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.job, "job", "", "a job's folder, or its job.json: segments, hold, audit and the program beside it")
	f.StringVar(&o.program, "program", "", "program (canonical JSON), for the sizes of openings")
	f.Uint64Var(&o.segments, "segments", 0, "segments of a claim")
	f.Uint64Var(&o.steps, "steps", 0, "with --program: optimizer steps of a claim")
	f.Uint64Var(&o.stride, "stride", 10, "with --program: steps of a segment")
	f.Uint64Var(&o.samples, "samples", 1_000_000, "with --program: samples of the data")
	f.StringVar(&o.profile, "profile", kernels.ProfileF32.String(), "with --program: numeric profile of products")
	f.Var(&o.sampled, "sampled", "segments drawn, LEAST:MOST or one number; found if not given")
	f.Uint64Var(&o.hold, "hold", odds.DefaultHold, "further judged claims that pay is held for")
	f.Var(&o.audit, "audit", "share of the claims that are audited")
	f.Var(&o.seconds, "step-seconds", "seconds that one device needs to replay a step; training for a while says it")
	f.Var(&o.limit, "opening-limit", "bytes of an opening that are too many")
	f.BoolVar(&o.simulate, "simulate", false, "play strategies against rules, by formula and by dice")
	f.IntVar(&o.claims, "claims", 60_000, "with --simulate: claims to play of each")
	require(cmd, "pay", "cost")
	complete(cmd, "profile", profileNames()...)
	return cmd
}

func (a *app) plan(ctx context.Context, o planOptions) error {
	w, err := o.work()
	if err != nil {
		return err
	}
	t := odds.Terms{
		Pay: o.pay.Rat, Cost: o.cost.Rat, Bond: o.bond.Rat, Hold: o.hold, Segments: w.Segments(),
		Least: uint64(o.sampled.Least), Most: uint64(o.sampled.Most), Audit: o.audit.Rat, Miss: o.miss.Rat, Power: o.power.Rat,
	}
	checked := t
	if o.kOpen {
		checked.Least, checked.Most = 1, 1
	}
	if err := checked.Check(); err != nil {
		return usageError{err}
	}
	if t, err = t.Solve(o.holdOpen, o.kOpen, o.bondOpen); err != nil {
		return err
	}
	if o.simulate {
		return a.playTerms(ctx, t, o.claims)
	}
	view := planOf(t, w, uint64(o.limit), o.gate)
	if err := a.emit(view, func(to io.Writer) { planText(to, t, w, view) }); err != nil {
		return err
	}
	if !view.Conditions.Met {
		return errors.New("under these terms a lie pays")
	}
	return nil
}

// work is the size of a claim, from whichever of the three is given.
func (o *planOptions) work() (plan.Work, error) {
	w := plan.Work{Steps: o.segments, Stride: 1}
	if !o.secOpen {
		w.Seconds = o.seconds.Rat
	}
	switch {
	case o.segments > 0 && o.program == "" && o.job == "":
		return w, nil
	case o.program != "" && o.segments == 0 && o.job == "":
		if o.steps < 1 || o.steps > job.MaxSteps || o.stride < 1 || o.stride > job.MaxStride {
			return w, usageError{fmt.Errorf("--steps %d, --stride %d: 1 to %d and 1 to %d are needed", o.steps, o.stride, job.MaxSteps, job.MaxStride)}
		}
		profile, err := kernels.ParseProfile(o.profile)
		if err != nil {
			return w, usageError{fmt.Errorf("--profile: %w", err)}
		}
		w.Steps, w.Stride = o.steps, o.stride
		return w, sized(&w, o.program, profile, o.samples)
	case o.job != "" && o.program == "" && o.segments == 0:
		return w, o.ofJob(&w)
	}
	return w, usageError{errors.New("one of --segments, --program with --steps, and --job is needed")}
}

// ofJob takes the size of a claim from a job and the program that lies beside it.
func (o *planOptions) ofJob(w *plan.Work) error {
	dir, name := o.job, filepath.Join(o.job, verify.JobFile)
	if filepath.Base(o.job) == verify.JobFile {
		dir, name = filepath.Dir(o.job), o.job
	}
	file, err := readFile(name, document.MaxSize)
	if err != nil {
		return err
	}
	j, _, err := pool.ReadJob(file)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	w.Steps, w.Stride = j.Steps, j.Stride
	o.kept(j)
	o.gate = j.Gate
	return sized(w, filepath.Join(dir, verify.ProgramFile), j.Profile, j.Data.Most())
}

// kept takes what a job fixes and no flag says otherwise.
func (o *planOptions) kept(j *job.Job) {
	if o.holdOpen {
		o.hold, o.holdOpen = uint64(j.Hold), false
	}
	if o.kOpen {
		o.sampled, o.kOpen = segmentRange(j.Sampled), false
	}
	if o.auditOpen {
		o.audit.Rat = millionths(j.Audit)
	}
}

// sized adds those of a program's openings.
func sized(w *plan.Work, file string, profile kernels.Profile, samples uint64) error {
	p, err := readProgram(file)
	if err != nil {
		return err
	}
	s, err := verify.SizesOf(p, profile, samples)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	w.State, w.Step = s.State, s.Step
	return nil
}
