package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/verify/fault"
)

// Types of keys, as c2sp.org/signed-note numbers them.
const (
	ed25519Key     = 0x01
	cosignatureKey = 0x04
)

// maxKey is the largest length of a verifier key, in bytes.
const maxKey = 512

// key is a verifier key, NAME+HASH+BASE64, taken apart.
type key struct {
	name   string
	hash   uint32
	kind   byte
	public ed25519.PublicKey
}

// parseKey reads a verifier key in its only spelling. Its hash must be that of name and key: with another one no
// signature would ever be found.
func parseKey(text string) (key, error) {
	name, rest, _ := strings.Cut(text, "+")
	hash, digits, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(digits)
	if !isName(name) || len(text) > maxKey || strings.ContainsAny(digits, "\r\n") || err != nil || len(raw) < 2 {
		return key{}, fault.New(fault.BadTerms, "", "", "%.80q is not a verifier key: NAME+HASH+BASE64", text)
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	k := key{name, binary.BigEndian.Uint32(sum[:]), raw[0], raw[1:]}
	if want := fmt.Sprintf("%08x", k.hash); hash != want {
		return key{}, fault.New(fault.BadTerms, "", "", "%.80q: its hash is not %s, which its name and key have", text, want)
	}
	if len(k.public) != ed25519.PublicKeySize {
		return key{}, fault.New(fault.BadTerms, "", "", "%.80q is a key of %d bytes, Ed25519 has %d", text, len(k.public), ed25519.PublicKeySize)
	}
	return k, nil
}

// label is what a signature is found by, as one text.
func (k *key) label() string { return fmt.Sprintf("%s+%08x", k.name, k.hash) }

// Name and KeyHash are what a signature is found by.
func (k *key) Name() string    { return k.name }
func (k *key) KeyHash() uint32 { return k.hash }

// Verify checks the log's signature, or a witness's cosignature: a time of 8 bytes, big-endian, and a signature over
// that time and the text.
func (k *key) Verify(text, sig []byte) bool {
	if k.kind == ed25519Key {
		return ed25519.Verify(k.public, text, sig)
	}
	if len(sig) != 8+ed25519.SignatureSize || binary.BigEndian.Uint64(sig) > math.MaxInt64 {
		return false
	}
	signed := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig)), text...)
	return ed25519.Verify(k.public, signed, sig[8:])
}

// timeOf is the time of a cosignature that verifies.
func timeOf(s note.Signature) int64 {
	raw, err := base64.StdEncoding.DecodeString(s.Base64) // a key hash of 4 bytes, the time, the signature
	if err != nil || len(raw) < 12 {
		return math.MaxInt64
	}
	return int64(binary.BigEndian.Uint64(raw[4:]))
}
