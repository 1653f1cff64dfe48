package translog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Limits of entries and of the texts that prove something about them.
const (
	MaxEntrySize = 1<<16 - 1 // bytes of an entry, by c2sp.org/tlog-tiles
	MaxProofSize = 8<<10 + MaxCheckpointSize
	maxPath      = 63 // hashes in a proof
)

// proofHeader is the first line of a proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// ErrNotLogged is wrapped by every error that means: well formed and signed,
// but it does not prove that this entry is in that log.
var ErrNotLogged = errors.New("the entry is not in the log at this index")

// A Proof is a c2sp.org/tlog-proof@v1: that an entry is at an index of the
// tree which a checkpoint signs.
type Proof struct {
	Index      int64
	Path       []tlog.Hash // from the leaf's sibling up, RFC 6962 section 2.1.1
	Checkpoint []byte      // as signed, with its signatures
}

// An Inclusion is where a proved entry lies, and in which tree.
type Inclusion struct {
	Index      int64
	Checkpoint Checkpoint
}

// LeafHash is the RFC 6962 hash of an entry, which is its identity in a log.
func LeafHash(entry []byte) tlog.Hash { return tlog.RecordHash(entry) }

// Verify says where in its log an entry lies, or returns an error. It needs no
// network: proof is the tlog-proof text, vkey the log's key as
// c2sp.org/signed-note writes it (name+id+key), which must come from somewhere
// that the caller trusts. Witnesses are not asked for; see [Policy.Verify].
func Verify(proof []byte, vkey string, entry []byte) (Inclusion, error) {
	p, err := NewPolicy(vkey)
	if err != nil {
		return Inclusion{}, err
	}
	return p.Verify(proof, entry)
}

// Verify says where in one of the policy's logs an entry lies, if the policy's
// witnesses cosigned the checkpoint that shows it.
func (p *Policy) Verify(proof, entry []byte) (Inclusion, error) {
	if len(entry) > MaxEntrySize {
		return Inclusion{}, fmt.Errorf("log entry: %d bytes, limit %d", len(entry), MaxEntrySize)
	}
	parsed, err := ParseProof(proof)
	if err != nil {
		return Inclusion{}, err
	}
	c, err := p.Open(parsed.Checkpoint)
	if err != nil {
		return Inclusion{}, err
	}
	if parsed.Index >= c.Size {
		return Inclusion{}, fmt.Errorf("log proof: field index: %d in a tree of %d: %w", parsed.Index, c.Size, ErrNotLogged)
	}
	if err := tlog.CheckRecord(parsed.Path, c.Size, c.Root, parsed.Index, LeafHash(entry)); err != nil {
		return Inclusion{}, fmt.Errorf("log proof: fields index and path: %w", ErrNotLogged)
	}
	return Inclusion{Index: parsed.Index, Checkpoint: c}, nil
}

// ParseProof reads a proof. Only its form is checked.
func ParseProof(text []byte) (*Proof, error) {
	const what = "log proof"
	head, checkpoint, err := splitProof(what, text)
	if err != nil {
		return nil, err
	}
	if len(head) < 2 || head[0] != proofHeader {
		return nil, fmt.Errorf("%s: field version: first line is %.80q, want %q", what, head[0], proofHeader)
	}
	if strings.HasPrefix(head[1], "extra ") {
		return nil, fmt.Errorf("%s: field extra: want none: nothing signs it", what)
	}
	digits, ok := strings.CutPrefix(head[1], "index ")
	if !ok {
		return nil, fmt.Errorf("%s: field index: second line is %.80q", what, head[1])
	}
	p := &Proof{Checkpoint: checkpoint}
	if p.Index, err = parseCount(digits); err != nil {
		return nil, fmt.Errorf("%s: field index: %w", what, err)
	}
	if p.Path, err = parsePath(what, head[2:]); err != nil {
		return nil, err
	}
	return p, nil
}

// Text is the proof as it is stored and sent: what [ParseProof] reads.
func (p *Proof) Text() []byte {
	text := fmt.Appendf(nil, "%s\nindex %d\n", proofHeader, p.Index)
	return appendPath(text, p.Path, p.Checkpoint)
}

// splitProof cuts a proof into the lines before its blank line and the
// checkpoint behind it, and checks the latter's form.
func splitProof(what string, text []byte) (head []string, checkpoint []byte, err error) {
	if len(text) > MaxProofSize {
		return nil, nil, fmt.Errorf("%s: %d bytes, limit %d", what, len(text), MaxProofSize)
	}
	before, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		return nil, nil, fmt.Errorf("%s: no blank line before the checkpoint", what)
	}
	if _, err := ParseCheckpoint(checkpoint); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", what, err)
	}
	return strings.Split(string(before), "\n"), checkpoint, nil
}

func parsePath(what string, lines []string) ([]tlog.Hash, error) {
	if len(lines) > maxPath {
		return nil, fmt.Errorf("%s: field path: %d hashes, limit %d", what, len(lines), maxPath)
	}
	path := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		var err error
		if path[i], err = parseHash(line); err != nil {
			return nil, fmt.Errorf("%s: field path: hash %d: %w", what, i, err)
		}
	}
	return path, nil
}

func appendPath(text []byte, path []tlog.Hash, checkpoint []byte) []byte {
	for _, h := range path {
		text = fmt.Appendf(text, "%s\n", h)
	}
	text = append(text, '\n')
	return append(text, checkpoint...)
}
