package valuation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/draw"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// drawDomain names how validation rows are drawn. Any change of it is a new name.
const drawDomain = "verifyd/value/rows/1\n"

// Drawn says how many rows of the committed validation set a round was judged by. Which they are follows from the randomness
// and, where there is one, from the list of claims.
type Drawn struct {
	Rows uint64 `json:"rows"`
	Of   uint64 `json:"of"` // rows of the set
}

// drawRows are the rows of a set of so many that the randomness draws, ascending. Bound is the digest of the list of claims, or zero for research:
// the seed is the SHA-256 of the domain, the randomness and it, and package draw has the sample.
func drawRows(of, rows uint64, randomness, bound merkle.Hash) []uint64 {
	seed := sha256.Sum256(slices.Concat([]byte(drawDomain), randomness[:], bound[:]))
	return draw.New(seed).Sample(of, rows)
}

// Fit leaves of a round with all rows of its validation set what is valued: the rows that are drawn for it and, where the way is
// fair, the updates that robust.Prepare makes of those of its players, whose owners are given, one for each, or nil. It
// says what it did in the certificate's words.
func (w *Way) Fit(ctx context.Context, r *round.Round, owners []string, randomness, bound merkle.Hash) (*Extra, error) {
	e := new(Extra)
	if w.Rows > 0 {
		if err := e.draw(r, uint64(w.Rows), randomness, bound); err != nil {
			return nil, err
		}
	}
	if !w.Fair {
		return e, nil
	}
	p, err := robust.Prepare(ctx, r.Updates, r.Sizes, owners)
	if err != nil {
		return nil, err
	}
	r.Updates, r.Sizes, e.Joined = p.Updates, p.Sizes, p.Joined()
	return e, nil
}

// draw leaves so many rows of a round's.
func (e *Extra) draw(r *round.Round, rows uint64, randomness, bound merkle.Hash) error {
	plan, err := program.Compile(r.Program, kernels.ProfileF32)
	if err != nil {
		return err
	}
	x, y := plan.X(), plan.Y()
	width, labels := x.Len()/x.Shape[0], y.Len()/y.Shape[0]
	of := uint64(len(r.X.F)+len(r.X.I)) / uint64(width)
	e.Drawn = &Drawn{min(rows, of), of}
	if rows >= of {
		return nil
	}
	ids := drawRows(of, rows, randomness, bound)
	r.X, r.Y = chosen(r.X, ids, width), chosen(r.Y, ids, labels)
	return nil
}

// chosen are some rows of a buffer.
func chosen(b kernels.Buf, rows []uint64, width int) kernels.Buf {
	var c kernels.Buf
	for _, row := range rows {
		lo, hi := int(row)*width, int(row+1)*width
		if b.I != nil {
			c.I = append(c.I, b.I[lo:hi]...)
		} else {
			c.F = append(c.F, b.F[lo:hi]...)
		}
	}
	return c
}

// Divided is what each claim of a list is worth by a certificate of it, in whole units of 1e-9, and the standard errors, if there are
// any: claims that counted as one divide what these are worth by their rows.
func Divided(c *Certificate, list *Claims) (values []*big.Int, stdErr []uint64, err error) {
	values, stdErr = c.Result.Fixed(), c.Result.StdErr
	if c.Extra == nil || len(c.Joined) == 0 {
		return values, stdErr, nil
	}
	clusters, err := robust.Grouped(len(values), c.Joined)
	if err != nil {
		return nil, nil, err
	}
	sizes := make([]uint64, len(list.Claims))
	for i := range sizes {
		sizes[i] = list.Claims[i].Rows
	}
	return clusters.Divide(values, stdErr, sizes)
}

// RandomnessIn is the randomness of the certificate in a folder, if it is that of the round that follows from the list.
func RandomnessIn(dir string, list *Claims) (merkle.Hash, error) {
	c, err := ReadCertificate(dir)
	if err != nil {
		return merkle.Hash{}, err
	}
	if c.Claimed == nil {
		return merkle.Hash{}, fmt.Errorf("%s: %w", filepath.Join(dir, CertificateFile), ErrResearch)
	}
	return list.Randomness(c.Claimed.Beacon)
}
