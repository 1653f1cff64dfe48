package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/odds"
)

func (a *app) jobCommand() *cobra.Command {
	return group("job", "The operator's side: offer work, receive claims", a.jobProgramCommand(), a.jobCurveCommand(), a.jobNewCommand(), a.jobFetchCommand(), a.jobAssignCommand(), a.jobReceiptCommand(), a.jobBeaconCommand(), a.jobOpenedCommand())
}

// jobOptions are what an operator decides about a job.
type jobOptions struct {
	program, key    string // files
	data            dataFiles
	pool, audience  string // names
	policy, curve   string // files, may be empty
	start           startOptions
	profile         string
	chain, reveal   string
	out             string // folder
	steps, stride   uint64
	sampled         segmentRange
	slots, hold     uint32
	audit           float64
	period          time.Duration
	log             job.Log
	delay, deadline time.Duration
	seed            uint64
	seedGiven       bool
	own             ownRange
	stakes
	acceptRisk bool
}

func (a *app) jobNewCommand() *cobra.Command {
	var o jobOptions
	cmd := &cobra.Command{
		Use:   "new --program FILE --data FILE --steps N --key OPERATOR --audience NAME --out FOLDER",
		Short: "Sign a job: fix everything that matters before any work is done",
		Long: `new signs a job and writes it to a folder, with its program, for workers to
fetch. The data is committed to and not copied.

With --beacon fixed, the random value that will pick what is replayed is made
here and kept in the file that --reveal names until the claims have arrived. Whoever
has it can foresee the challenge: it is for trying things out. drand-quicknet is
a public beacon that nobody can foresee.

Without --sampled, one segment in twenty is drawn of a worker whose pay is held, and
three at least; of a new key, and after a FAIL, all of them. With --pay and --cost
the numbers are those that verifyd plan finds, and terms under which a lie pays are
refused unless --accept-risk says that this is known. Whether a bond is there is for
the operator to see to: no document holds one.`,
		Example: `  verifyd keys new operator.pem --role operator
  verifyd job program mlp --inputs 64 --hidden 96 --classes 10 --rate 0.1 --out program.json
  verifyd job new --program program.json --data data.safetensors --steps 1000 \
      --key operator.pem --audience urn:db:payroll --out job`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			o.seedGiven = cmd.Flags().Changed("seed")
			found, err := o.settle(cmd)
			if err != nil {
				return err
			}
			return a.newJob(cmd.Context(), o, found)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.program, "program", "", "program (canonical JSON, as job program writes it)")
	o.data.flags(cmd)
	f.Var(&o.own, "own", "samples that each worker's own data must have; then --data is what the job's start is measured on, and no worker's")
	f.StringVar(&o.key, "key", "", "operator's private key")
	f.StringVar(&o.audience, "audience", "", "name of the one ledger that proofs are for, e.g. eip155:8453:0x... or urn:db:...")
	f.StringVar(&o.pool, "pool", "default", "name of the pool")
	f.StringVar(&o.policy, "policy", "", "scoring policy, as policy new writes it; the job holds its hash")
	o.start.flags(cmd)
	f.StringVar(&o.curve, "curve", "", "what honest steps count, as job curve writes it; without one, the job's start is measured and is all that claims are compared with, which says less")
	f.StringVar(&o.out, "out", "", "folder to make")
	f.Uint64Var(&o.steps, "steps", 0, "optimizer steps that a claim must hold")
	f.Uint64Var(&o.stride, "stride", 10, "steps of a segment: what is stored, drawn and replayed as one")
	f.Var(&o.sampled, "sampled", "segments drawn for replay, besides the last one: a number or LEAST:MOST, of which each receipt picks one by the worker's record; 5% of them, 3 at least, to all of them if not given")
	f.Float64Var(&o.audit, "audit", 1, "share of the claims that the beacon draws for audit, at most 1; the others end UNAUDITED")
	f.Uint32Var(&o.hold, "hold", 20, "further claims of a worker that are judged before one is paid; a FAIL voids what is held")
	f.DurationVar(&o.period, "period", 30*24*time.Hour, "with a hold: how long after its verdict a claim is paid though fewer are judged; delay and deadline at least")
	f.StringVar(&o.log.Key, "log", "", "verifier key of the log that assignments, receipts and openings are entered into")
	f.StringArrayVar(&o.log.Witnesses, "witness", nil, "verifier key of a witness of that log; repeat")
	f.Uint32Var(&o.log.Threshold, "threshold", 0, "witnesses whose cosignatures are needed")
	f.Uint32Var(&o.slots, "slots", 1, "claims that one worker may make, each with an order of data of its own")
	f.StringVar(&o.profile, "profile", kernels.ProfileF32.String(), "numeric profile of products")
	f.StringVar(&o.chain, "beacon", beacon.Quicknet, "source of randomness: drand-quicknet or fixed")
	f.StringVar(&o.reveal, "reveal", "", "with --beacon fixed: file for the value, to be kept until claims have arrived")
	f.DurationVar(&o.delay, "delay", 6*time.Second, "from a claim's arrival to its beacon, at least: two periods of the chain")
	f.DurationVar(&o.deadline, "deadline", 24*time.Hour, "from that beacon to the claim's opening, at most")
	f.Uint64Var(&o.seed, "seed", 0, "seed of initial state and dropout; drawn at random if not given")
	o.stakes.flags(cmd)
	f.BoolVar(&o.acceptRisk, "accept-risk", false, "sign also terms under which a lie pays")
	for _, name := range []string{"program", "key", "audience", "out", "steps"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	complete(cmd, "beacon", beacon.Quicknet, beacon.Fixed)
	complete(cmd, "profile", profileNames()...)
	return cmd
}

func (a *app) newJob(ctx context.Context, o jobOptions, found *conditionsView) error {
	if (o.chain == beacon.Fixed) != (o.reveal != "") {
		return usageError{fmt.Errorf("--reveal belongs to --beacon %s, and is needed there", beacon.Fixed)}
	}
	if _, err := proofs.Audience(o.audience); err != nil {
		return usageError{fmt.Errorf("--audience: %w", err)}
	}
	profile, err := kernels.ParseProfile(o.profile)
	if err != nil {
		return usageError{fmt.Errorf("--profile: %w", err)}
	}
	key, err := a.openKey(ctx, o.key, keys.Operator)
	if err != nil {
		return err
	}
	defer key.Close()
	p, err := readProgram(o.program)
	if err != nil {
		return err
	}
	data, files, err := o.data.open(ctx, a, nil)
	if err != nil {
		return err
	}
	defer files.Close()
	offer := pool.Offer{
		Program: p, Profile: profile, Data: data, Own: o.own.Own, Pool: o.pool, Audience: o.audience,
		Steps: o.steps, Stride: o.stride, Sampled: job.Range(o.sampled), Slots: o.slots, Delay: o.delay, Deadline: o.deadline,
		Audit: uint32(math.Round(o.audit * job.Millionths)), Hold: o.hold, Period: o.period, Issued: time.Now(), Seed: o.seed, Beacon: o.chain,
	}
	if err := o.start.into(&offer, p, profile); err != nil {
		return err
	}
	if o.period < 0 {
		return usageError{fmt.Errorf("--period %v: is negative", o.period)}
	}
	if o.log.Key != "" {
		offer.Log = &o.log
	} else if len(o.log.Witnesses) > 0 || o.log.Threshold > 0 {
		return usageError{errors.New("--witness and --threshold belong to --log")}
	}
	if offer.Policy, err = policyHash(o.policy, o.chain); err != nil {
		return err
	}
	var random [40]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	offer.Secret = [32]byte(random[:32])
	if !o.seedGiven {
		offer.Seed = binary.LittleEndian.Uint64(random[32:])
	}
	if o.curve != "" {
		if offer.Curve, err = readFile(o.curve, document.MaxSize); err != nil {
			return err
		}
		c, err := gate.ReadCurve(o.curve, offer.Curve)
		if err != nil {
			return err
		}
		if !o.seedGiven {
			offer.Seed = c.Terms.Dropout // the job begins where the curve does
		}
	}
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	offered, err := offer.Sign(ctx, devices.First(), key)
	if err != nil {
		return err
	}
	err = makeFolder(o.out, func() error {
		if err := writeNew(filepath.Join(o.out, verify.JobFile), offered.File, 0o644); err != nil {
			return err
		}
		if err := writeNew(filepath.Join(o.out, verify.ProgramFile), p.JSON(), 0o644); err != nil {
			return err
		}
		if err := writeNew(filepath.Join(o.out, verify.CurveFile), offered.Curve, 0o644); err != nil {
			return err
		}
		if offer.Base != nil {
			if err := writeStart(filepath.Join(o.out, verify.BaseFile), offer.Base.Write); err != nil {
				return err
			}
		}
		if offer.Final != nil {
			spec, err := engine.NewSpec(p, profile, 0)
			if err != nil {
				return err
			}
			if err := writeStart(filepath.Join(o.out, verify.StartFile), func(w io.Writer) error { return offer.Final.Write(w, spec) }); err != nil {
				return err
			}
		}
		if offered.Revealed == nil {
			return nil
		}
		return writeNew(o.reveal, offered.Revealed, 0o600)
	})
	if err != nil {
		return err
	}
	if offered.Revealed != nil {
		a.note("keep %s to yourself until every claim has its receipt", o.reveal)
	}
	return a.emitJob(o.out, offered.Job, found)
}

// policyHash is the hash of the policy in a file, or zero for no file. It refuses one that pays nothing for what rests
// on a chain.
func policyHash(file, chain string) (merkle.Hash, error) {
	if file == "" {
		return merkle.Hash{}, nil
	}
	p, err := readPolicy(file)
	if err != nil {
		return merkle.Hash{}, err
	}
	if want := p.Beacon; want != nil && want.Hash != proofs.Hash(beacon.Chain{Name: chain}.Hash()) {
		return merkle.Hash{}, fmt.Errorf("%s: field beacon: pays nothing for what rests on another chain than %s, and the job's is %s",
			file, chainText(want.Hash), chain)
	}
	hash, err := p.Hash()
	return merkle.Hash(hash), err
}

// emitJob prints what a job is about, the odds of a worker of whom least is drawn, and whether lies pay, if that was asked.
func (a *app) emitJob(dir string, j *job.Job, found *conditionsView) error {
	digest, err := document.Digest(job.Kind, *j)
	if err != nil {
		return err
	}
	view := struct {
		Folder   string      `json:"folder"`
		Digest   merkle.Hash `json:"digest"`
		Job      *job.Job    `json:"job"`
		Segments uint64      `json:"segments"`

		Odds       odds.Odds       `json:"odds"`
		Conditions *conditionsView `json:"conditions,omitempty"`
	}{dir, digest, j, j.Segments(), odds.Of(j.Segments(), min(uint64(j.Sampled.Least), j.Segments()), j.Gate), found}
	return a.emit(view, func(w io.Writer) {
		row(w, "job", digest)
		row(w, "folder", dir)
		on := fmt.Sprintf("%d samples", j.Data.Samples)
		if own := j.Data.Own; own != nil {
			on = fmt.Sprintf("%d to %d samples of each worker's own", own.Least, own.Most)
		}
		row(w, "work", fmt.Sprintf("%d steps in %d segments, on %s", j.Steps, view.Segments, on))
		row(w, "replay", fmt.Sprintf("%s segments and the last one, picked by %s", (*segmentRange)(&j.Sampled), j.Beacon.Name))
		if j.Audit < job.Millionths {
			row(w, "audited", fmt.Sprintf("%d of 1000000 claims, picked by the same", j.Audit))
		}
		if j.Hold > 0 {
			row(w, "pay is held", fmt.Sprintf("until %d further claims are judged, or %v after the verdict", j.Hold, time.Duration(j.Period)*time.Second))
		}
		oddsText(w, view.Odds)
		if found != nil {
			conditionsText(w, *found)
		}
	})
}
