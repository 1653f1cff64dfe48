package round

import (
	"context"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Signed reads what an operator signed of a round that is aggregated, and the aggregate's digest. It makes nothing again.
func Signed(dir string, operator document.Key) (*Round, *Aggregate, merkle.Hash, error) {
	path := filepath.Join(dir, File)
	data, err := readWhole(path, document.MaxSize)
	if err != nil {
		return nil, nil, merkle.Hash{}, err
	}
	r, round, err := Read(path, data, operator)
	if err != nil {
		return nil, nil, merkle.Hash{}, err
	}
	path = filepath.Join(dir, AggregateFile)
	if data, err = readWhole(path, document.MaxSize); err != nil {
		return nil, nil, merkle.Hash{}, err
	}
	a, digest, err := r.ReadAggregate(path, data, round)
	return r, a, digest, err
}

// Checked is a round whose next base was made again, and is what its operator signed.
type Checked struct {
	Index    uint64      `json:"index"`
	Round    merkle.Hash `json:"round"` // digest
	Finals   int         `json:"finals"`
	Base     merkle.Hash `json:"base"`
	Next     merkle.Hash `json:"next"`
	Momentum merkle.Hash `json:"momentum,omitzero"` // the next one
}

// CheckAll checks the folders of rounds of an operator, each of which must follow the one before.
func CheckAll(ctx context.Context, dirs []string, operator document.Key, threads int) (all []Checked, err error) {
	var before *Round
	var made *Aggregate
	var digest merkle.Hash
	for _, dir := range dirs {
		b, err := Open(dir, operator, threads)
		if err != nil {
			return nil, err
		}
		if before != nil {
			if err := b.Round.Follows(before, made, digest); err != nil {
				return nil, fault.In(filepath.Join(dir, File), err)
			}
		}
		before = b.Round
		if made, digest, err = b.Check(ctx); err != nil {
			return nil, err
		}
		all = append(all, Checked{before.Index, b.Digest, len(made.Finals), before.Base, made.Base, made.Momentum})
	}
	return all, nil
}
