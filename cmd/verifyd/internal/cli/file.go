package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) { return input.ReadFile(path, limit) }

// writeNew writes a file that must not exist.
func writeNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// fresh returns an error if something is at path already, before long work for
// it begins. An empty path is none.
func fresh(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}

// makeFolder makes a folder that must not exist and fills it. If that fails
// nothing is left behind.
func makeFolder(dir string, fill func() error) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// readProgram reads a program.
func readProgram(path string) (*program.Program, error) {
	text, err := readFile(path, program.MaxJSON)
	if err != nil {
		return nil, err
	}
	p, err := program.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// readData reads a data set into memory. The file's own size bounds what it may hold.
func readData(path string) (*job.Dataset, error) {
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return job.ReadDataset(path, info.Size())
}

// offer is a job as its operator offers it in a folder: the terms, and the files
// that they were read from.
type offer struct {
	*verify.Terms
	jobFile, programFile, curveFile []byte
}

// readOffer reads job.json, program.json and curve.json in a folder and checks that the
// operator signed the job.
func readOffer(dir, operatorFile string) (*offer, error) {
	operator, err := readKey(operatorFile, keys.Operator, inJobs(dir))
	if err != nil {
		return nil, err
	}
	return readOfferBy(dir, operator)
}

func readOfferBy(dir string, operator document.Key) (*offer, error) {
	o, err := readTerms(dir, operator)
	if err != nil || !o.NeedsBase() {
		return o, err
	}
	return o, takeBase(o.Terms, dir)
}

// readTerms is readOfferBy without what the job starts from.
func readTerms(dir string, operator document.Key) (_ *offer, err error) {
	var o offer
	if o.jobFile, err = readFile(filepath.Join(dir, verify.JobFile), document.MaxSize); err != nil {
		return nil, err
	}
	if o.programFile, err = readFile(filepath.Join(dir, verify.ProgramFile), document.MaxSize); err != nil {
		return nil, err
	}
	if o.curveFile, err = readFile(filepath.Join(dir, verify.CurveFile), document.MaxSize); err != nil {
		return nil, err
	}
	if o.Terms, err = verify.Accept(o.jobFile, o.programFile, o.curveFile, operator); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &o, nil
}

// readKey reads the public key of a role as the protocol's documents hold it.
func readKey(path string, role keys.Role, bound ...keys.Binding) (document.Key, error) {
	pub, err := readPublic(path, role, bound...)
	if err != nil {
		return document.Key{}, err
	}
	return document.NewKey(pub)
}

// keyOf is the public half of a signing key.
func keyOf(key crypto.Signer) (document.Key, error) { return document.NewKey(key.Public()) }
