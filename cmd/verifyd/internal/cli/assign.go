package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
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

// assignOptions are what an operator assigns a slot by.
type assignOptions struct {
	job, key, beacon, out string // folder and files
	slot                  uint32
	registered            int64
	seed                  string
}

func (a *app) jobAssignCommand() *cobra.Command {
	var o assignOptions
	cmd := &cobra.Command{
		Use:   "assign WORKER.pub --job FOLDER --key OPERATOR [--registered TIME --beacon FILE --out FILE]",
		Short: "Give a slot of a job to a worker, with the seed of its order of samples",
		Long: `assign signs that a slot is a worker's. Give each worker and slot one assignment,
ever: with two the worker would pick the order that suits.

With a public beacon the seed comes from a round that nobody knew when the worker was
registered: assign without --beacon registers the worker now and says which round that
is; once it is there, assign again with what was printed. With a fixed beacon the seed
is the operator's choice, or drawn here.`,
		Example: `  verifyd job assign worker.pem.pub --job job --key operator.pem
  verifyd job beacon SIGNATURE --round 29000000 --out round.json
  verifyd job assign worker.pem.pub --job job --key operator.pem \
      --registered 1796000000 --beacon round.json --out assignment.json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.assign(cmd, args[0], o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.job, "job", "", "the job's folder")
	f.StringVar(&o.key, "key", "", "operator's private key")
	f.Uint32Var(&o.slot, "slot", 0, "which of the job's slots")
	f.Int64Var(&o.registered, "registered", 0, "Unix time at which the worker was registered; now if not given")
	f.StringVar(&o.beacon, "beacon", "", "the round that gives the seed, where the job's chain has rounds")
	f.StringVar(&o.seed, "seed", "", "seed of the order in hex, with a fixed beacon; drawn at random if not given")
	f.StringVar(&o.out, "out", "", "file to write; it must not exist")
	require(cmd, "job", "key")
	return cmd
}

func (a *app) assign(cmd *cobra.Command, workerFile string, o assignOptions) error {
	worker, err := readKey(workerFile, keys.Worker)
	if err != nil {
		return err
	}
	key, err := a.openKey(cmd.Context(), o.key, keys.Operator)
	if err != nil {
		return err
	}
	defer key.Close()
	operator, err := keyOf(key)
	if err != nil {
		return err
	}
	t, err := readOfferBy(o.job, operator)
	if err != nil {
		return err
	}
	r := verify.Registration{Worker: worker.ID(), Slot: o.slot, At: time.Unix(o.registered, 0)}
	if o.registered == 0 {
		r.At = time.Now().Add(time.Second).Truncate(time.Second)
	}
	fixed := t.Job.Beacon.Name == beacon.Fixed
	switch {
	case fixed && o.beacon != "", !fixed && o.seed != "":
		return usageError{fmt.Errorf("--beacon is for jobs with a public beacon and --seed for others: this one has %s", t.Job.Beacon.Name)}
	case !fixed && o.beacon == "":
		return a.emitRegistration(t.Job, r)
	case o.out == "":
		return usageError{errors.New("--out is needed")}
	case !fixed && o.registered == 0:
		return usageError{errors.New("--registered is needed: the time that assign printed")}
	}
	if err := o.seeded(&r, fixed); err != nil {
		return err
	}
	file, err := verify.Assign(t.Terms, r, key)
	if err != nil {
		return err
	}
	if err := writeNew(o.out, file, 0o644); err != nil {
		return err
	}
	assigned, digest, err := t.ReadAssignment(file)
	if err != nil {
		return err
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

// seeded puts into r what the order's seed comes from.
func (o *assignOptions) seeded(r *verify.Registration, fixed bool) error {
	if !fixed {
		file, err := readFile(o.beacon, document.MaxSize)
		if err != nil {
			return err
		}
		b, err := document.Decode[beacon.Beacon](o.beacon, file)
		r.Beacon = &b
		return err
	}
	if o.seed == "" {
		_, err := rand.Read(r.Seed[:])
		return err
	}
	seed, err := merkle.ParseHash(o.seed)
	if err != nil {
		return usageError{fmt.Errorf("--seed: %w", err)}
	}
	r.Seed = seed
	return nil
}

// emitRegistration prints which round gives the seed to who is registered.
func (a *app) emitRegistration(j *job.Job, r verify.Registration) error {
	view := struct {
		Registered int64  `json:"registered"`
		Beacon     string `json:"beacon"`
		Round      uint64 `json:"round"`
	}{r.At.Unix(), j.Beacon.Name, j.AssignmentRound(r.At.Unix())}
	return a.emit(view, func(w io.Writer) {
		row(w, "registered", view.Registered)
		row(w, "beacon", fmt.Sprintf("%s, round %d gives the seed", view.Beacon, view.Round))
	})
}
