package round

import (
	"bufio"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// Parts are the files that a round begins with.
type Parts struct {
	Program        []byte
	Jobs           [][]byte
	Base, Momentum string // paths; no momentum is none
}

// Create makes the folder of a round, which must not exist, and signs it: program, base, momentum and jobs are those of the parts,
// the rest is r's. Whatever follows refuses is not signed. If it fails it leaves no folder behind.
func Create(dir string, r Round, parts Parts, follows func(*Round) error, operator crypto.Signer, threads int) (b *Books, err error) {
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return nil, err
	}
	r.Version, r.Operator = Version, key
	files := map[string][]byte{ProgramFile: parts.Program}
	if r.Jobs, err = offered(parts.Jobs, key, files); err != nil {
		return nil, err
	}
	p, err := program.Parse(parts.Program)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return nil, fault.In(ProgramFile, err)
	}
	base, err := readBase(parts.Base, plan, threads)
	if err != nil {
		return nil, err
	}
	r.Program, r.Base = p.Digest(), base.Root
	var momentum [][]float32
	if parts.Momentum != "" {
		if momentum, r.Momentum, err = readMomentum(parts.Momentum, plan, threads); err != nil {
			return nil, err
		}
	}
	if err := follows(&r); err != nil {
		return nil, err
	}
	if files[File], err = r.Sign(operator); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	b = &Books{dir: dir}
	for _, name := range []string{JobsDir, FinalsDir, VerdictsDir} {
		if err := os.Mkdir(b.path(name), 0o755); err != nil {
			return nil, err
		}
	}
	for name, data := range files {
		if err := os.WriteFile(b.path(name), data, 0o644); err != nil {
			return nil, err
		}
	}
	if err := writeWhole(b.path(BaseFile), base.Write); err != nil {
		return nil, err
	}
	if momentum != nil {
		if err := writeWhole(b.path(MomentumFile), func(w io.Writer) error { return writeMomentum(w, momentum, plan) }); err != nil {
			return nil, err
		}
	}
	return Open(dir, key, threads)
}

// offered lists jobs, and adds their files.
func offered(jobs [][]byte, operator document.Key, files map[string][]byte) (all []Offered, err error) {
	for i, data := range jobs {
		j, digest, err := job.Read(fmt.Sprintf("jobs[%d]", i), data, operator)
		if err != nil {
			return nil, err
		}
		all = append(all, Offered{digest, min(j.Slots, MaxFinals)})
		files[JobsDir+"/"+digest.String()+documentSuffix] = data
	}
	slices.SortFunc(all, func(a, b Offered) int { return strings.Compare(a.Job.String(), b.Job.String()) })
	return all, nil
}

// Take copies the final state of a claim into the folder, with the verdict on it. What a verdict has no place in this round for is
// refused as it would be by Make, and so is a round that is aggregated. The state is held against the claim when it is read into
// the mean.
func (b *Books) Take(ctx context.Context, final string, file string, verdict []byte) (Final, error) {
	if _, err := os.Lstat(b.path(AggregateFile)); !errors.Is(err, fs.ErrNotExist) {
		return Final{}, errors.Join(err, fmt.Errorf("%s: %w: the round is aggregated", b.path(AggregateFile), fs.ErrExist))
	}
	f, err := b.read(file, verdict)
	if err != nil {
		return Final{}, fault.In(file, err)
	}
	if err := ctx.Err(); err != nil {
		return Final{}, err
	}
	from, _, err := input.Open(final)
	if err != nil {
		return Final{}, err
	}
	defer from.Close()
	err = writeWhole(b.path(FinalsDir, f.Claim.String()+tensorsSuffix), func(w io.Writer) error {
		_, err := io.Copy(w, bufio.NewReaderSize(from, 1<<20))
		return err
	})
	if err != nil {
		return Final{}, err
	}
	return f, writeWhole(b.path(VerdictsDir, f.Claim.String()+documentSuffix), func(w io.Writer) error {
		_, err := w.Write(verdict)
		return err
	})
}
