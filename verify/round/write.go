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
	"path/filepath"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Aggregate makes the next base, writes it to the folder and signs what it was made from. The signed document comes last: a folder
// that has it is whole. A round is aggregated once: where there is an aggregate, it is fs.ErrExist.
func (b *Books) Aggregate(ctx context.Context, operator crypto.Signer) (*Made, error) {
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return nil, err
	}
	if key != b.Round.Operator {
		return nil, fault.New(fault.BadKey, b.path(AggregateFile), "", "the signer is not the round's operator")
	}
	if _, err := os.Lstat(b.path(AggregateFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, fmt.Errorf("%s: %w", b.path(AggregateFile), fs.ErrExist))
	}
	m, err := b.Make(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := m.Aggregate.Sign(operator)
	if err != nil {
		return nil, err
	}
	if m.Momentum != nil {
		write := func(w io.Writer) error { return writeMomentum(w, m.Momentum, b.spec.Plan) }
		if err := writeWhole(b.path(NextMomentumFile), write); err != nil {
			return nil, err
		}
	}
	if err := writeWhole(b.path(NextFile), m.Base.Write); err != nil {
		return nil, err
	}
	return m, writeWhole(b.path(AggregateFile), func(w io.Writer) error {
		_, err := w.Write(signed)
		return err
	})
}

// Check makes the next base again and names the first thing in which the folder says otherwise: a final, a root, an element. It
// returns the aggregate with its digest.
func (b *Books) Check(ctx context.Context) (*Aggregate, merkle.Hash, error) {
	path := b.path(AggregateFile)
	data, err := readWhole(path, document.MaxSize)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	a, digest, err := b.Round.ReadAggregate(path, data, b.Digest)
	if err != nil {
		return nil, digest, err
	}
	m, err := b.Make(ctx)
	if err != nil {
		return nil, digest, err
	}
	plan := b.spec.Plan
	next, err := readBase(b.path(NextFile), plan, b.threads)
	if err != nil {
		return nil, digest, err
	}
	if err := differ(b.path(NextFile), plan.Base(), next.Tensors(), m.Base.Tensors()); err != nil {
		return nil, digest, err
	}
	if m.Momentum != nil {
		momentum, _, err := readMomentum(b.path(NextMomentumFile), plan, b.threads)
		if err == nil {
			err = differ(b.path(NextMomentumFile), plan.Params(), momentum, m.Momentum)
		}
		if err != nil {
			return nil, digest, err
		}
	}
	return a, digest, m.Compare(a, path)
}

// Follows refuses a round that does not go on where another was aggregated.
func (r *Round) Follows(before *Round, a *Aggregate, digest merkle.Hash) error {
	switch {
	case r.Index != before.Index+1:
		return fault.New(fault.WrongRound, File, "index", "%d behind round %d", r.Index, before.Index)
	case r.Previous != digest:
		return fault.New(fault.WrongDigest, File, "previous", "%v, the aggregate before is %v", r.Previous, digest)
	case r.Program != before.Program:
		return fault.New(fault.WrongDigest, File, "program", "%v, the round before has %v", r.Program, before.Program)
	case r.Base != a.Base:
		return fault.New(fault.WrongDigest, File, "base", "%v, the aggregate before made %v", r.Base, a.Base)
	case r.Momentum != a.Momentum:
		return fault.New(fault.WrongDigest, File, "momentum", "%v, the aggregate before made %v", r.Momentum, a.Momentum)
	}
	return nil
}

// writeWhole writes a file so that it is there whole or not at all. What lies there is replaced.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err = errors.Join(write(w), w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
