package valuation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Played is a game with what goes with it.
type Played struct {
	Game    shapley.Game
	Root    merkle.Hash
	Control *shapley.Control
	Extra   func(shapley.Seed) (*Extra, error) // nil for nothing
}

// The errors of certificates that nothing may be paid for.
var (
	ErrResearch = errors.New("a certificate of research: its randomness was brought along, and no list of claims fixes it")
	ErrAltered  = errors.New("utilities were altered")
)

// Confirm audits the certificate in a folder and returns it if it is the one that a frozen list, which was bound to
// verdicts, leads to: the list's, of the game g, and to the byte what the utilities of its transcript give under the
// list's way and the randomness of the list's round. So many utilities, drawn from randomness that nobody knew before,
// are computed again; the audit says what that may have missed.
func Confirm(ctx context.Context, dir string, list *Claims, digest merkle.Hash, g Played, randomness [32]byte, checks uint64) (*Certificate, *shapley.Audit, error) {
	path := filepath.Join(dir, CertificateFile)
	data, err := readCertificate(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := ParseCertificate(path, data)
	switch {
	case err != nil:
		return nil, nil, err
	case c.Claimed == nil:
		return nil, nil, fmt.Errorf("%s: %w", path, ErrResearch)
	case c.Claimed.Digest != digest:
		return nil, nil, fmt.Errorf("%s: certifies the list of claims %v, the one given is %v", path, c.Claimed.Digest, digest)
	case c.Root != g.Root:
		return nil, nil, fmt.Errorf("%s: certifies the game %v, the files given are those of %v", path, c.Root, g.Root)
	}
	u, err := ReadUtilities(filepath.Join(dir, UtilitiesFile), false)
	if err != nil {
		return nil, nil, err
	}
	again, err := (&Claimed{digest, *list, c.Claimed.Beacon}).certify(ctx, g, u)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	want, err := encodeWhole(again)
	if err != nil {
		return nil, nil, err
	}
	if at := difference(data, want); at >= 0 {
		return nil, nil, fmt.Errorf("%s: byte %d is not what the list, the transcript and the game give", path, at)
	}
	audit, err := shapley.Check(ctx, g.Game, g.Control, again.Result, u, randomness, checks)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	if n := len(audit.Wrong); n > 0 {
		return nil, audit, fmt.Errorf("%s: %w: %d of %d that were computed again", dir, ErrAltered, n, audit.Checked)
	}
	return again, audit, nil
}

// certify is the certificate that the utilities of a transcript lead to.
func (c *Claimed) certify(ctx context.Context, g Played, utilities []int64) (*Certificate, error) {
	run, err := c.Run(g.Root)
	if err != nil {
		return nil, err
	}
	o := run.options()
	o.Control, o.Known = g.Control, utilities
	res, err := shapley.Estimate(ctx, &playback{g.Game.Players(), shapley.FactsOf(g.Game), nil}, o)
	if err != nil {
		return nil, err
	}
	again := &Certificate{Run: run, Result: res}
	if g.Extra != nil {
		again.Extra, err = g.Extra(o.Seed)
	}
	return again, err
}

// difference is the first byte in which a and b differ; -1 if there is none.
func difference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}
