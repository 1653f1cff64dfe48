package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
)

// curveOptions are the terms that a curve has in common with its job.
type curveOptions struct {
	program, profile, out string
	data                  dataFiles
	start                 startOptions
	steps, stride, seed   uint64
	seedGiven             bool
}

func (a *app) jobCurveCommand() *cobra.Command {
	var o curveOptions
	cmd := &cobra.Command{
		Use:   "curve --program FILE --data FILE --steps N --out FILE",
		Short: "Measure an honest run of a job, for claims to be compared with",
		Long: `curve trains as a worker of the job will, from the same start on the data in another order, and writes how much work its
steps were: effective multiply-adds, drowned sums, gradients of zero, at the beginning of each segment. It costs what one
claim does. job new --curve signs the job with it: a verifier compares the steps that it replays with the curve, and looks
closer where they do much less.`,
		Example: `  verifyd job curve --program program.json --data data.safetensors --steps 1000 --out curve.json
  verifyd job new --program program.json --data data.safetensors --steps 1000 --curve curve.json \
      --key operator.pem --audience urn:db:payroll --out job`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			o.seedGiven = cmd.Flags().Changed("seed")
			return a.curve(cmd.Context(), o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.program, "program", "", "program (canonical JSON, as job program writes it)")
	o.data.flags(cmd)
	f.StringVar(&o.out, "out", "", "file to make")
	f.Uint64Var(&o.steps, "steps", 0, "optimizer steps that a claim must hold")
	f.Uint64Var(&o.stride, "stride", 10, "steps of a segment")
	f.StringVar(&o.profile, "profile", kernels.ProfileF32.String(), "numeric profile of products")
	o.start.flags(cmd)
	f.Uint64Var(&o.seed, "seed", 0, "seed of initial state and dropout, which the job takes over; drawn at random if not given")
	for _, name := range []string{"program", "out", "steps"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	complete(cmd, "profile", profileNames()...)
	return cmd
}

func (a *app) curve(ctx context.Context, o curveOptions) error {
	profile, err := kernels.ParseProfile(o.profile)
	if err != nil {
		return usageError{fmt.Errorf("--profile: %w", err)}
	}
	p, err := readProgram(o.program)
	if err != nil {
		return err
	}
	data, files, err := o.data.open(ctx, a, nil)
	if err != nil {
		return err
	}
	defer files.Close()
	offer := pool.Offer{}
	if err := o.start.into(&offer, p, profile); err != nil {
		return err
	}
	var random [40]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	if !o.seedGiven {
		o.seed = binary.LittleEndian.Uint64(random[32:])
	}
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	progress := a.progress("measuring")
	c, err := verify.CurveRun{
		Program: p, Profile: profile, Data: data, Start: verify.Start{Seed: o.seed, Base: offer.Base, Final: offer.Final, Restart: offer.Restart}, Dropout: o.seed, Steps: o.steps, Stride: o.stride,
		Drawn: merkle.Hash(random[:32]), Device: devices.First(),
		Progress: func(done uint64) { progress(done, o.steps) },
	}.Measure(ctx)
	if err != nil {
		return err
	}
	file, err := c.JSON()
	if err != nil {
		return err
	}
	if err := writeNew(o.out, file, 0o644); err != nil {
		return err
	}
	return a.emitCurve(o.out, c, gate.Digest(file))
}

// emitCurve prints what a curve is about.
func (a *app) emitCurve(file string, c *gate.Curve, digest merkle.Hash) error {
	first, last := c.Points[0], c.Points[len(c.Points)-1]
	view := struct {
		File   string      `json:"file"`
		Digest merkle.Hash `json:"digest"`
		Points int         `json:"points"`
		First  gate.Totals `json:"first"`
		Last   gate.Totals `json:"last"`
	}{file, digest, len(c.Points), first.Totals, last.Totals}
	return a.emit(view, func(w io.Writer) {
		row(w, "curve", digest)
		row(w, "file", file)
		row(w, "points", fmt.Sprintf("%d, every %d segments", len(c.Points), c.Every))
		row(w, "work", fmt.Sprintf("%d effective multiply-adds in a step at the start, %d at the end", first.Work, last.Work))
	})
}
