package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// Limits of what the parsers accept. Sixteen signatures, the least that
// c2sp.org/signed-note asks a verifier for, fit even when each is of
// post-quantum size.
const (
	MaxCheckpointSize = 96 << 10 // bytes of a signed checkpoint
	MaxOriginSize     = 255      // bytes of an origin line
	MaxTreeSize       = 1 << 56  // entries
	maxSignatures     = 64       // signature lines of a checkpoint
)

// A Checkpoint is a log's head: what the log is called, how many entries it
// holds, and the RFC 6962 root over them.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Body is the text that a log signs: three lines, as in
// c2sp.org/tlog-checkpoint. The checkpointHash of an epoch root is its
// SHA-256.
func (c Checkpoint) Body() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads a signed checkpoint without asking who signed it, for
// display and for finding the log that it belongs to. What it says is only
// known once [Policy.Open] has been asked.
func ParseCheckpoint(signed []byte) (Checkpoint, error) {
	body, err := splitNote(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	return parseBody(body)
}

// splitNote checks the form of a signed note and returns its text: C2SP's
// rules, and that every signature line is the only spelling of its bytes.
// Without the latter the last digit of a signature could be changed and nobody
// would see it.
func splitNote(signed []byte) (body []byte, err error) {
	if len(signed) > MaxCheckpointSize {
		return nil, fmt.Errorf("checkpoint: %d bytes, limit %d", len(signed), MaxCheckpointSize)
	}
	end := bytes.LastIndex(signed, []byte("\n\n"))
	if end < 0 {
		return nil, errors.New("checkpoint: no blank line between text and signatures")
	}
	body, lines := signed[:end+1], signed[end+2:]
	if len(lines) == 0 || lines[len(lines)-1] != '\n' {
		return nil, errors.New("checkpoint: field signatures: does not end in a newline after at least one signature")
	}
	if n := bytes.Count(lines, []byte("\n")); n > maxSignatures {
		return nil, fmt.Errorf("checkpoint: field signatures: %d, limit %d", n, maxSignatures)
	}
	for line := range strings.Lines(string(lines)) {
		if err := checkSignatureLine(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func checkSignatureLine(line string) error {
	rest, ok := strings.CutPrefix(line, "— ")
	name, digits, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return fmt.Errorf("checkpoint: field signatures: %.80q is not an em dash, a key name and base64", line)
	}
	if err := checkName(name); err != nil {
		return fmt.Errorf("checkpoint: field signatures: key name: %w", err)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(digits)
	if err != nil || base64.StdEncoding.EncodeToString(sig) != digits {
		return fmt.Errorf("checkpoint: field signatures: signature by %.80q: not canonical base64", name)
	}
	if len(sig) < 5 {
		return fmt.Errorf("checkpoint: field signatures: signature by %.80q: %d bytes, want a key id of 4 and a signature", name, len(sig))
	}
	return nil
}

// checkName demands a key name as c2sp.org/signed-note has it.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("empty")
	case len(name) > MaxOriginSize:
		return fmt.Errorf("%d bytes, limit %d", len(name), MaxOriginSize)
	case !utf8.ValidString(name):
		return errors.New("not UTF-8")
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '+' || unicode.IsSpace(r) }):
		return fmt.Errorf("%.80q holds a space, a plus or a control character", name)
	}
	return nil
}

// parseBody reads the three lines that are signed.
func parseBody(body []byte) (Checkpoint, error) {
	lines := strings.Split(string(body), "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return Checkpoint{}, errors.New("checkpoint: want the three lines origin, tree size and root hash")
	}
	if len(lines) > 4 {
		return Checkpoint{}, fmt.Errorf("checkpoint: %d extension lines, want none: cosignatures need not cover them", len(lines)-4)
	}
	if err := checkName(lines[0]); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: field origin: %w", err)
	}
	size, err := parseCount(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: field tree size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: field root hash: %w", err)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.Size == 0 && c.Root != sha256.Sum256(nil) {
		return Checkpoint{}, errors.New("checkpoint: field root hash: not that of the empty tree")
	}
	return c, nil
}

// parseCount reads a decimal number of entries: no sign, no leading zero.
func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s || n < 0 {
		return 0, fmt.Errorf("%.40q is not a decimal number without leading zeros", s)
	}
	if n > MaxTreeSize {
		return 0, fmt.Errorf("%d, limit %d", n, int64(MaxTreeSize))
	}
	return n, nil
}

// parseHash reads 32 bytes in their one base64 spelling.
func parseHash(s string) (tlog.Hash, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != tlog.HashSize || base64.StdEncoding.EncodeToString(raw) != s {
		return tlog.Hash{}, fmt.Errorf("%.60q is not canonical base64 of %d bytes", s, tlog.HashSize)
	}
	return tlog.Hash(raw), nil
}
