package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/witness"
)

// segmentRange is a job's range of segments as a flag: LEAST:MOST, or one number.
type segmentRange job.Range

func (r *segmentRange) Set(text string) error {
	least, most, ranged := strings.Cut(text, ":")
	if !ranged {
		most = least
	}
	from, err := strconv.ParseUint(least, 10, 32)
	to, errMost := strconv.ParseUint(most, 10, 32)
	if err != nil || errMost != nil {
		return errors.New("want a number of segments, or LEAST:MOST, such as 5:50")
	}
	r.Least, r.Most = uint32(from), uint32(to)
	return nil
}

func (r *segmentRange) String() string {
	if r.Least == r.Most {
		return fmt.Sprint(r.Least)
	}
	return fmt.Sprintf("%d:%d", r.Least, r.Most)
}

func (r *segmentRange) Type() string { return "number or LEAST:MOST" }

// registrationSuffix is what the file of a registration adds to that of its assignment.
const registrationSuffix = ".registration"

// assignOptions are what an operator assigns a slot by.
type assignOptions struct {
	desk
	beacon, out string // files
	slot        uint32
	seed, data  string
}

func (a *app) jobAssignCommand() *cobra.Command {
	var o assignOptions
	cmd := &cobra.Command{
		Use:   "assign WORKER.pub --job FOLDER --registry FOLDER --key OPERATOR [--beacon FILE --out FILE]",
		Short: "Give a slot of a job to a worker, with the seed of its order of samples",
		Long: `assign signs that a slot is a worker's. Each worker and slot has one assignment,
ever, which the registry remembers: with two the worker would pick the order that
suits. Asked again, assign gives the first one.

With a public beacon the seed comes from a round that nobody knew when the worker was
registered: assign without --beacon registers the worker and says which round that is;
once it is there, assign again with it, and with the same --out. With a fixed beacon the
seed is the operator's choice, or drawn here. With --log, both are in the log before
anybody has them, and the first call leaves FILE` + registrationSuffix + ` and the proof of it, which
is cosigned before the round: the worker needs both beside FILE.`,
		Example: `  verifyd registry init registry
  verifyd job assign worker.pem.pub --job job --registry registry --key operator.pem \
      --out assignment.json
  verifyd job beacon SIGNATURE --round 29000000 --out round.json
  verifyd job assign worker.pem.pub --job job --registry registry --key operator.pem \
      --beacon round.json --out assignment.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.assign(cmd.Context(), args[0], o) }),
	}
	o.desk.flags(cmd)
	f := cmd.Flags()
	f.Uint32Var(&o.slot, "slot", 0, "which of the job's slots")
	f.StringVar(&o.beacon, "beacon", "", "the round that gives the seed, where the job's chain has rounds")
	f.StringVar(&o.seed, "seed", "", "seed of the order in hex, with a fixed beacon; drawn at random if not given")
	f.StringVar(&o.data, "data", "", "commitment to the worker's own data, as train commit writes it, where the job asks for them: with the first call, and the same ever after")
	f.StringVar(&o.out, "out", "", "file to write the assignment to")
	return cmd
}

func (a *app) assign(ctx context.Context, workerFile string, o assignOptions) error {
	worker, err := readKey(workerFile, keys.Worker)
	if err != nil {
		return err
	}
	var seed merkle.Hash
	if o.seed != "" {
		if seed, err = merkle.ParseHash(o.seed); err != nil {
			return usageError{fmt.Errorf("--seed: %w", err)}
		}
	}
	var public *beacon.Beacon
	if o.beacon != "" {
		if public, err = readBeacon(o.beacon); err != nil {
			return err
		}
	}
	if public != nil && o.out == "" {
		return usageError{errors.New("--out is needed")}
	}
	set, err := readOwn(o.data)
	if err != nil {
		return err
	}
	var registered *pool.Registered
	var assigned job.Assignment
	var digest merkle.Hash
	err = a.atDesk(ctx, &o.desk, func(d *pool.Desk) (pool.Given, error) {
		name := d.Terms.Job.Beacon.Name
		fixed := name == beacon.Fixed
		switch {
		case fixed && public != nil, !fixed && o.seed != "":
			return pool.Given{}, usageError{fmt.Errorf("--beacon is for jobs with a public beacon and --seed for others: this one has %s", name)}
		case fixed && o.out == "":
			return pool.Given{}, usageError{errors.New("--out is needed")}
		case !fixed && public == nil:
			if d.Terms.Registers() && o.out == "" {
				return pool.Given{}, usageError{errors.New("--out is needed: the job's log and its registration go with the assignment")}
			}
			if registered, err = d.Register(ctx, worker.ID(), o.slot, set); err != nil {
				return pool.Given{}, err
			}
			if o.out != "" {
				o.out += registrationSuffix // there is no assignment yet
			}
			return registered.Given, nil
		}
		given, err := d.Assign(ctx, worker.ID(), o.slot, set, public, seed)
		if err != nil {
			return pool.Given{}, err
		}
		if assigned, digest, err = d.Terms.ReadAssignment(given.File); err != nil {
			return pool.Given{}, err
		}
		return *given, registeredBeside(o.out, d.Terms, &assigned)
	}, &o.out)
	if err != nil {
		return err
	}
	if registered != nil {
		return a.emitRegistration(registered)
	}
	view := struct {
		Assignment string      `json:"assignment"`
		Digest     merkle.Hash `json:"digest"`
		Worker     merkle.Hash `json:"worker"`
		Slot       uint32      `json:"slot"`
	}{o.out, digest, assigned.Worker, assigned.Slot}
	return a.emit(view, func(w io.Writer) {
		row(w, "assignment", o.out)
		row(w, "worker", fmt.Sprintf("%s, slot %d", view.Worker, view.Slot))
		row(w, "digest", view.Digest)
	})
}

// registeredBeside refuses an assignment, to be trained for, if what lies beside its file does not show when the worker
// was registered, as the job asks: no claim to it would ever be judged.
func registeredBeside(file string, t *verify.Terms, a *job.Assignment) error {
	if !t.Registers() {
		return nil
	}
	registration, err := readFile(file+registrationSuffix, document.MaxSize)
	if err != nil {
		return err
	}
	proof, err := readFile(file+registrationSuffix+proofSuffix, witness.MaxProof)
	if err != nil {
		return err
	}
	if err := t.Registered(a, registration, proof); err != nil {
		return fmt.Errorf("beside %s: no claim to it would be judged: %w", file, err)
	}
	return nil
}

// emitRegistration prints which round gives the seed to who is registered.
func (a *app) emitRegistration(r *pool.Registered) error {
	view := struct {
		Registered int64     `json:"registered"`
		Beacon     string    `json:"beacon"`
		Round      uint64    `json:"round"`
		Due        time.Time `json:"due"`
	}{r.At.Unix(), r.Beacon, r.Round, r.Due}
	return a.emit(view, func(w io.Writer) {
		row(w, "registered", view.Registered)
		row(w, "beacon", fmt.Sprintf("%s, round %d, of %s, gives the seed", view.Beacon, view.Round, view.Due.Format(time.RFC3339)))
	})
}
