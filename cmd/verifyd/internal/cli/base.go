package cli

import (
	"bufio"
	"errors"
	"os"
	"runtime"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/program"
)

// readBase reads what a training starts from.
func readBase(path string, plan *program.Plan) (*verify.Base, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return verify.ReadBase(bufio.NewReaderSize(f, 1<<16), path, plan, runtime.GOMAXPROCS(0))
}

// baseOf reads the base of a program that no job names yet; without a path there is none.
func baseOf(path string, p *program.Program, profile kernels.Profile) (*verify.Base, error) {
	if path == "" {
		return nil, nil
	}
	plan, err := program.Compile(p, profile)
	if err != nil {
		return nil, err
	}
	return readBase(path, plan)
}

// writeBase writes a base to a file that must not exist.
func writeBase(path string, b *verify.Base) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	return errors.Join(b.Write(w), w.Flush(), f.Close())
}
