package translog

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrInconsistent is wrapped by every error that means: both checkpoints are
// signed, but the newer tree does not begin with the older one. Whoever holds
// two such checkpoints can show that the log rewrote its past.
var ErrInconsistent = errors.New("the newer tree does not begin with the older one")

// A Consistency is proof that one tree begins with another: the request body
// that a log sends to its witnesses (c2sp.org/tlog-witness, add-checkpoint).
type Consistency struct {
	Old        int64       // size of the older tree
	Path       []tlog.Hash // RFC 6962 section 2.1.2
	Checkpoint []byte      // of the newer tree, as signed
}

// VerifyConsistency returns the newer checkpoint if it is signed as the policy
// demands and its tree begins with the older one, which the caller has opened
// before.
func (p *Policy) VerifyConsistency(text []byte, older Checkpoint) (Checkpoint, error) {
	parsed, err := ParseConsistency(text)
	if err != nil {
		return Checkpoint{}, err
	}
	newer, err := p.Open(parsed.Checkpoint)
	if err != nil {
		return Checkpoint{}, err
	}
	switch {
	case newer.Origin != older.Origin:
		return Checkpoint{}, fmt.Errorf("consistency proof: field origin: %.80q, the older checkpoint's is %.80q", newer.Origin, older.Origin)
	case parsed.Old != older.Size:
		return Checkpoint{}, fmt.Errorf("consistency proof: field old: %d, the older checkpoint's tree size is %d", parsed.Old, older.Size)
	case newer.Size < older.Size:
		return Checkpoint{}, fmt.Errorf("consistency proof: field tree size: %d is less than %d: %w", newer.Size, older.Size, ErrInconsistent)
	case older.Size == 0 && len(parsed.Path) == 0:
		return newer, nil // every tree begins with the empty one
	case tlog.CheckTree(parsed.Path, newer.Size, newer.Root, older.Size, older.Root) != nil:
		return Checkpoint{}, fmt.Errorf("consistency proof: field path: %w", ErrInconsistent)
	}
	return newer, nil
}

// ParseConsistency reads a consistency proof. Only its form is checked.
func ParseConsistency(text []byte) (*Consistency, error) {
	const what = "consistency proof"
	head, checkpoint, err := splitProof(what, text)
	if err != nil {
		return nil, err
	}
	digits, ok := strings.CutPrefix(head[0], "old ")
	if !ok {
		return nil, fmt.Errorf("%s: field old: first line is %.80q", what, head[0])
	}
	c := &Consistency{Checkpoint: checkpoint}
	if c.Old, err = parseCount(digits); err != nil {
		return nil, fmt.Errorf("%s: field old: %w", what, err)
	}
	if c.Path, err = parsePath(what, head[1:]); err != nil {
		return nil, err
	}
	return c, nil
}

// Text is the proof as it is stored and sent: what [ParseConsistency] reads.
func (c *Consistency) Text() []byte {
	return appendPath(fmt.Appendf(nil, "old %d\n", c.Old), c.Path, c.Checkpoint)
}
