package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

// signer signs checkpoints as a log, or, with a time, cosigns them as a witness.
type signer struct {
	name string
	key  ed25519.PrivateKey
	at   int64
}

func newSigner(name string, at int64) *signer {
	seed := sha256.Sum256([]byte(name))
	return &signer{name, ed25519.NewKeyFromSeed(seed[:]), at}
}

func (s *signer) material() []byte {
	kind := byte(1)
	if s.at != 0 {
		kind = 4
	}
	return append([]byte{kind}, s.key.Public().(ed25519.PublicKey)...)
}

func (s *signer) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", s.name, s.KeyHash(), base64.StdEncoding.EncodeToString(s.material()))
}

func (s *signer) Name() string { return s.name }

func (s *signer) KeyHash() uint32 {
	h := sha256.Sum256(append([]byte(s.name+"\n"), s.material()...))
	return binary.BigEndian.Uint32(h[:])
}

func (s *signer) Sign(msg []byte) ([]byte, error) {
	if s.at == 0 {
		return ed25519.Sign(s.key, msg), nil
	}
	signed := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", s.at), msg...)
	return append(binary.BigEndian.AppendUint64(nil, uint64(s.at)), ed25519.Sign(s.key, signed)...), nil
}

// seen is a checkpoint of the first size entries that a witness cosigned some seconds after the job was issued, and the
// policy to read it with.
func seen(t *testing.T, size, at int64) Options {
	t.Helper()
	log, by := newSigner("log.example", 0), newSigner("witness.example", began+at)
	body := translog.Checkpoint{Origin: log.name, Size: size, Root: tlog.Hash{1}}.Body()
	signed := must(note.Sign(&note.Note{Text: string(body)}, log, by))(t)
	policy := must(translog.ParsePolicy([]byte("witness W "+by.vkey()+"\nquorum W\n"), log.vkey()))(t)
	return Options{Policy: policy, Checkpoints: [][]byte{signed}}
}

func TestACosignatureConvictsWhereTheOperatorsWordDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		size, at int64
		rule     Rule
		entry    int64
	}{
		// The receipt, entry 2, says 10 and is challenged at 16; the opening, entry 3, says 50 and is due at 116.
		"seen in time":                 {4, 60, "", 0},
		"the receipt just in time":     {3, 15, "", 0},
		"seen before there was any":    {2, 15, "", 0},
		"a receipt from the future":    {3, 9, PostDated, 2},
		"a receipt entered too late":   {2, 16, LateReceipt, 2},
		"an opening just in time":      {3, 116, "", 0},
		"an opening entered too late":  {3, 117, LateOpening, 3},
		"a future receipt that is not": {2, 5, "", 0},
	} {
		b := newBook(t)
		b.honest()
		r := b.audit(seen(t, c.size, c.at))
		if r.Cosignatures != 1 || r.Witnessed != began+c.at || (c.rule == "") != (len(r.Findings) == 0) {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if c.rule != "" && (len(r.Findings) != 1 || r.Findings[0].Rule != c.rule || r.Findings[0].Entry != c.entry || !strings.Contains(r.Findings[0].Reason, "witness.example")) {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
	b := newBook(t)
	o := seen(t, 1, 1)
	o.Checkpoints[0][len(o.Checkpoints[0])-10] ^= 1
	if _, err := Log(t.Context(), b.all, o); err == nil {
		t.Error("a checkpoint that nobody signed is believed")
	}
}
