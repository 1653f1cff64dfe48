package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/verify/fault"
)

// Limits of a proof.
const (
	MaxProof      = 104 << 10 // bytes
	maxCheckpoint = 96 << 10  // bytes of it
	maxSignatures = 64
	maxTree       = 1 << 56 // entries
	maxPath       = 63      // hashes
	maxName       = 255     // bytes of the name of a log or a witness
)

// proof says that an entry is at an index of the tree that a checkpoint signs.
type proof struct {
	index      int64
	path       []tlog.Hash // from the leaf's sibling up, RFC 6962 section 2.1.1
	checkpoint []byte      // with its signatures
	origin     string
	size       int64
	root       tlog.Hash
}

// holds refuses a proof that is of another entry.
func (p *proof) holds(entry []byte) error {
	if tlog.CheckRecord(p.path, p.size, p.root, p.index, tlog.RecordHash(entry)) != nil {
		return fault.New(fault.WrongDigest, "", "path", "it does not lead from this entry to the root of the checkpoint")
	}
	return nil
}

// parseProof reads a proof: the header, the index, the path, a line without anything, a signed checkpoint. There are
// no extra lines: in a proof nothing signs them, and in a checkpoint nobody here would read them.
func parseProof(text []byte) (*proof, error) {
	if len(text) > MaxProof {
		return nil, fault.New(fault.TooLarge, "", "", "%d bytes, the limit is %d", len(text), MaxProof)
	}
	head, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return nil, badForm("", "not a c2sp.org/tlog-proof@v1")
	}
	digits, ok := strings.CutPrefix(lines[1], "index ")
	if !ok {
		return nil, badForm("index", "the second line is %.40q", lines[1])
	}
	p := &proof{checkpoint: checkpoint}
	var err error
	if p.index, err = parseCount(digits); err != nil {
		return nil, fault.Under("index", err)
	}
	if len(lines)-2 > maxPath {
		return nil, fault.New(fault.TooLarge, "", "path", "%d hashes, the limit is %d", len(lines)-2, maxPath)
	}
	for _, line := range lines[2:] {
		h, err := parseHash(line)
		if err != nil {
			return nil, fault.Under("path", err)
		}
		p.path = append(p.path, h)
	}
	return p, fault.Under("checkpoint", p.readCheckpoint())
}

// readCheckpoint reads the three lines that a log signs: its name, the number of its entries, the root over them.
func (p *proof) readCheckpoint() error {
	if len(p.checkpoint) > maxCheckpoint {
		return fault.New(fault.TooLarge, "", "", "%d bytes, the limit is %d", len(p.checkpoint), maxCheckpoint)
	}
	body, _, ok := bytes.Cut(p.checkpoint, []byte("\n\n"))
	lines := strings.Split(string(body), "\n")
	if !ok || len(lines) != 3 || !isName(lines[0]) {
		return badForm("", "not three lines, the first a log's name, and signatures")
	}
	signatures := p.checkpoint[len(body)+2:]
	if n := bytes.Count(signatures, []byte("\n")); n > maxSignatures {
		return fault.New(fault.TooLarge, "", "", "%d signatures, the limit is %d", n, maxSignatures)
	}
	for line := range strings.Lines(string(signatures)) {
		if err := checkSignature(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
	p.origin = lines[0]
	var err error
	if p.size, err = parseCount(lines[1]); err != nil {
		return err
	}
	if p.root, err = parseHash(lines[2]); err != nil {
		return err
	}
	if p.index >= p.size {
		return badForm("", "entry %d of %d", p.index, p.size)
	}
	return nil
}

// checkSignature refuses a line of a signature in another spelling than its only one: base64 leaves bits unused.
func checkSignature(line string) error {
	rest, dash := strings.CutPrefix(line, "— ")
	name, digits, space := strings.Cut(rest, " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(digits)
	if !dash || !space || !isName(name) || err != nil || base64.StdEncoding.EncodeToString(raw) != digits {
		return badForm("", "%.80q is not an em dash, a name and base64", line)
	}
	return nil
}

// isName says whether a log or a witness can have a name, as c2sp.org/signed-note has it: by any other no signature is
// found.
func isName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) })
}

// parseCount reads a number of entries in its only spelling.
func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxTree || strconv.FormatInt(n, 10) != text {
		return 0, badForm("", "%.40q is not a number of entries", text)
	}
	return n, nil
}

// parseHash reads a hash in its only spelling.
func parseHash(text string) (tlog.Hash, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sha256.Size || base64.StdEncoding.EncodeToString(raw) != text {
		return tlog.Hash{}, badForm("", "%.60q is not a hash in base64", text)
	}
	return tlog.Hash(raw), nil
}

func badForm(field, format string, args ...any) error {
	return fault.New(fault.BadForm, "", field, "%w", fmt.Errorf(format, args...))
}
