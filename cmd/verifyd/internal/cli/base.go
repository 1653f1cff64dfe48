package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
)

// startOptions are what an operator decides about the start of a job.
type startOptions struct {
	base, final         string // files, may be empty
	restart             bool
	baseURLs, finalURLs []string
}

func (o *startOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.base, "base", "", "safetensors file of what the program's parameters and buffers start as, frozen ones too, as state import writes it; drawn by the seed if not given")
	f.StringVar(&o.final, "continue", "", "trace of a claim, or a file of its final state, that training goes on from: parameters, slots and buffers; for the same drawings and frozen tensors give --seed and --base of its job, too")
	f.BoolVar(&o.restart, "restart", false, "with --continue: schedule, optimizer and random numbers begin at step 0 again, and the slots are kept")
	f.StringArrayVar(&o.baseURLs, "base-url", nil, "where workers can fetch the base, http or https; repeat")
	f.StringArrayVar(&o.finalURLs, "continue-url", nil, "where workers can fetch the final state that the job goes on from; repeat")
}

// into reads what the options name into an offer of a program.
func (o *startOptions) into(offer *pool.Offer, p *program.Program, profile kernels.Profile) error {
	switch {
	case o.final == "" && (o.restart || len(o.finalURLs) > 0):
		return usageError{errors.New("--restart and --continue-url belong to --continue")}
	case o.base == "" && len(o.baseURLs) > 0:
		return usageError{errors.New("--base-url belongs to --base")}
	case o.base == "" && o.final == "":
		return nil
	}
	spec, err := engine.NewSpec(p, profile, 0)
	if err != nil {
		return err
	}
	offer.Restart, offer.BaseURLs, offer.FinalURLs = o.restart, o.baseURLs, o.finalURLs
	if o.base != "" {
		if offer.Base, err = readBase(o.base, spec.Plan); err != nil {
			return err
		}
	}
	if o.final != "" {
		path := o.final
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, trace.FinalFile)
		}
		offer.Final, err = readFinal(path, spec)
	}
	return err
}

// readBase reads what a training starts from.
func readBase(path string, plan *program.Plan) (*verify.Base, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return verify.ReadBase(bufio.NewReaderSize(f, 1<<16), path, plan, runtime.GOMAXPROCS(0))
}

// readFinal reads the state that a claim ended with.
func readFinal(path string, spec *engine.Spec) (*verify.Final, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return verify.ReadFinal(bufio.NewReaderSize(f, 1<<16), path, spec)
}

// takeBase gives terms the base that lies with their job.
func takeBase(t *verify.Terms, dir string) error {
	b, err := readBase(filepath.Join(dir, verify.BaseFile), t.Plan)
	if err != nil {
		return unfetched(err, dir)
	}
	if err := t.TakeBase(b); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// takeFinal gives terms the state that their job goes on from, which lies with it.
func takeFinal(t *verify.Terms, dir string) error {
	f, err := readFinal(filepath.Join(dir, verify.StartFile), t.Spec())
	if err != nil {
		return unfetched(err, dir)
	}
	if err := t.TakeFinal(f); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// unfetched says how to get a file that is missing.
func unfetched(err error, dir string) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return hint(fault.New(fault.Missing, "", "", "%w", err), "the job starts from this file: verifyd job fetch %s gets it from where the job says", dir)
}

// writeStart writes a file that must not exist. It gets its name when it is whole, so that nothing half-written has it, whatever
// happens.
func writeStart(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	return errors.Join(err, os.Remove(f.Name()))
}
