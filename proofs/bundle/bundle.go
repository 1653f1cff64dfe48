package bundle

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/canonical"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/translog"
)

// MaxSize bounds a bundle file in bytes. One with a log proof is about 6,000.
const MaxSize = 512 << 10

const (
	version        = "verifyd/vproof/v1"
	maxPath        = 64
	maxAttachments = 8
)

// A Bundle is one contribution and what shows that it counts. What it says is
// only known once [Bundle.Verify] has been asked.
type Bundle struct {
	// SignerSet and SignerSetDigest are the number of the set whose keys
	// signed, and the SHA-256 of its body. The set itself comes from elsewhere.
	SignerSet       uint64
	SignerSetDigest proofs.Hash
	Contribution    *proofs.Envelope
	// EpochRoot is nil for a contribution that no ledger acts on, such as a
	// rejection, or before its epoch ends.
	EpochRoot *proofs.Envelope
	// Merkle is the path from the contribution's leaf to the epoch root's root;
	// nil if there is none, empty if the leaf is the root.
	Merkle []proofs.Hash
	// Log is nil if there is no log.
	Log *Log
	// Attachments are foreign documents by keys of the set.
	Attachments []*proofs.Envelope
}

// A Log holds texts of package translog.
type Log struct {
	Contribution string // c2sp.org/tlog-proof@v1 of the contribution's envelope
	EpochRoot    string // the same of the epoch root's; empty if there is none
	Consistency  string // from the checkpoint in Contribution to the one in EpochRoot; empty if that is
}

// New returns a bundle of a contribution that a key of the set signed.
func New(set proofs.SignerSet, contribution *proofs.Envelope) (*Bundle, error) {
	digest, err := digestOf(set)
	if err != nil {
		return nil, err
	}
	return &Bundle{SignerSet: set.Set, SignerSetDigest: digest, Contribution: contribution}, nil
}

// Canonical is the bundle without the signatures on its checkpoints that a
// reader with this log policy passes over. No byte of what is left is unchecked.
func (b *Bundle) Canonical(log *translog.Policy) (*Bundle, error) {
	if b.Log == nil {
		return b, nil
	}
	kept, texts := *b, *b.Log
	kept.Log = &texts
	for field, text := range map[string]*string{
		"log.contribution": &texts.Contribution, "log.epochRoot": &texts.EpochRoot, "log.consistency": &texts.Consistency,
	} {
		if *text == "" {
			continue
		}
		head, checkpoint, _ := strings.Cut(*text, "\n\n")
		signed, err := log.Known([]byte(checkpoint))
		if err != nil {
			return nil, refuse(class.BadLog, field, "%v", err)
		}
		*text = head + "\n\n" + string(signed)
	}
	return &kept, nil
}

// Bytes is the bundle file.
func (b *Bundle) Bytes() []byte {
	var out strings.Builder
	object := func(env *proofs.Envelope) string {
		if env == nil {
			return "null"
		}
		return strings.TrimSuffix(string(env.Bytes()), "\n")
	}
	fmt.Fprintf(&out, `{"bundle":"%s","signerSet":{"set":"%d","digest":"%s"}`, version, b.SignerSet, b.SignerSetDigest)
	fmt.Fprintf(&out, `,"contribution":%s,"epochRoot":%s,"merkle":`, object(b.Contribution), object(b.EpochRoot))
	if b.Merkle == nil {
		out.WriteString("null")
	} else {
		nodes := make([]string, len(b.Merkle))
		for i, h := range b.Merkle {
			nodes[i] = `"` + h.String() + `"`
		}
		out.WriteString("[" + strings.Join(nodes, ",") + "]")
	}
	out.WriteString(`,"log":`)
	if b.Log == nil {
		out.WriteString("null")
	} else {
		escape := func(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }
		fmt.Fprintf(&out, `{"contribution":"%s","epochRoot":"%s","consistency":"%s"}`,
			escape(b.Log.Contribution), escape(b.Log.EpochRoot), escape(b.Log.Consistency))
	}
	objects := make([]string, len(b.Attachments))
	for i, env := range b.Attachments {
		objects[i] = object(env)
	}
	out.WriteString(`,"attachments":[` + strings.Join(objects, ",") + "]}\n")
	return []byte(out.String())
}

// Parse reads a bundle file. It is strict: the bytes must be those that
// [Bundle.Bytes] gives. Signatures, path and log are not checked; their form
// is.
func Parse(file []byte) (*Bundle, error) {
	if len(file) > MaxSize {
		return nil, refuse(class.BadLength, "bundle", "%d bytes, limit %d", len(file), MaxSize)
	}
	p := parser{Scanner: canonical.NewScanner(file)}
	b := &Bundle{}
	p.Take("bundle", `{"bundle":"`)
	if v := p.String("bundle"); v != version {
		p.Refuse("bundle", "%.40q, want %q", v, version)
	}
	p.Take("signerSet", `,"signerSet":{"set":"`)
	b.SignerSet = p.number("signerSet.set")
	p.Take("signerSet.digest", `,"digest":"`)
	b.SignerSetDigest = p.hash("signerSet.digest")
	p.Take("signerSet", "}")
	p.Take("contribution", `,"contribution":`)
	b.Contribution = p.envelope("contribution")
	p.Take("epochRoot", `,"epochRoot":`)
	if !p.null("epochRoot") {
		b.EpochRoot = p.envelope("epochRoot")
	}
	p.Take("merkle", `,"merkle":`)
	if !p.null("merkle") {
		b.Merkle = []proofs.Hash{}
		p.list("merkle", maxPath, func(field string) {
			p.Take(field, `"`)
			b.Merkle = append(b.Merkle, p.hash(field))
		})
	}
	p.Take("log", `,"log":`)
	if !p.null("log") {
		b.Log = &Log{}
		p.Take("log.contribution", `{"contribution":"`)
		b.Log.Contribution = p.Text("log.contribution")
		p.Take("log.epochRoot", `,"epochRoot":"`)
		b.Log.EpochRoot = p.Text("log.epochRoot")
		p.Take("log.consistency", `,"consistency":"`)
		b.Log.Consistency = p.Text("log.consistency")
		p.Take("log", "}")
	}
	p.Take("attachments", `,"attachments":`)
	p.list("attachments", maxAttachments, func(field string) {
		b.Attachments = append(b.Attachments, p.envelope(field))
	})
	p.Take("attachments", "}\n")
	p.End("attachments")
	if field, reason := p.Fault(); p.err == nil && field != "" {
		p.err = refuse(class.NotCanonical, field, "%s", reason)
	}
	if p.err != nil {
		return nil, p.err
	}
	return b, nil
}

// parser is a scanner that knows what a bundle is made of. Err is the error of
// an envelope, which has a class of its own.
type parser struct {
	*canonical.Scanner
	err error
}

func (p *parser) null(field string) bool {
	if !p.Next("null") {
		return false
	}
	p.Take(field, "null")
	return true
}

func (p *parser) number(field string) uint64 {
	text := p.String(field)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != text {
		p.Refuse(field, "%.40q is not a decimal integer in its shortest form", text)
	}
	return n
}

func (p *parser) hash(field string) (h proofs.Hash) {
	text := p.String(field)
	if raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x")); err == nil && len(raw) == len(h) {
		h = proofs.Hash(raw)
	}
	if h.String() != text {
		p.Refuse(field, "%.80q is not 0x and 64 lower-case hex digits", text)
	}
	return h
}

// envelope takes an envelope file without its newline. It ends where its list
// of signatures does: no string in it has brackets.
func (p *parser) envelope(field string) *proofs.Envelope {
	raw := p.Raw(field, "]}")
	if len(raw) == 0 {
		return nil
	}
	env, err := proofs.ParseEnvelope(append(raw[:len(raw):len(raw)], '\n'))
	if err != nil {
		err = within(field, err)
		if _, reason := p.Fault(); reason == "" {
			p.err = err
		}
		p.Refuse(field, "%v", err)
	}
	return env
}

// list takes a list of at most limit elements.
func (p *parser) list(field string, limit int, element func(field string)) {
	p.Take(field, "[")
	if p.Next("]") {
		p.Take(field, "]")
		return
	}
	for i := 0; ; i++ {
		if i == limit {
			p.Refuse(field, "more than %d elements", limit)
		}
		element(fmt.Sprintf("%s[%d]", field, i))
		if !p.Next(",") {
			break
		}
		p.Take(field, ",")
	}
	p.Take(field, "]")
}
