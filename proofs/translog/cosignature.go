package translog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signature types of c2sp.org/signed-note.
const (
	typeEd25519       = 0x01
	typeCosignatureV1 = 0x04
	typeMLDSA44       = 0x06
)

// verifierKey is a vkey taken apart.
type verifierKey struct {
	name string
	id   uint32
	kind byte
	key  []byte
}

// parseKey reads a vkey: name+id+base64(type and key), where the id belongs to
// the rest.
func parseKey(vkey string) (verifierKey, error) {
	const limit = MaxOriginSize + 2 + 8 + 2048
	if len(vkey) > limit {
		return verifierKey{}, fmt.Errorf("key: %d bytes, limit %d", len(vkey), limit)
	}
	name, rest, ok := strings.Cut(vkey, "+")
	id, digits, ok2 := strings.Cut(rest, "+")
	if !ok || !ok2 {
		return verifierKey{}, fmt.Errorf("key: %.80q is not name+id+key", vkey)
	}
	if err := checkName(name); err != nil {
		return verifierKey{}, fmt.Errorf("key: field name: %w", err)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(digits)
	if err != nil || len(raw) < 2 || base64.StdEncoding.EncodeToString(raw) != digits {
		return verifierKey{}, fmt.Errorf("key %s: field key: not canonical base64 of a type and a key", name)
	}
	k := verifierKey{name: name, kind: raw[0], key: raw[1:]}
	k.id = keyID(name, raw)
	if want := fmt.Sprintf("%08x", k.id); id != want {
		return verifierKey{}, fmt.Errorf("key %s: field id: %.20q, but name and key give %s", name, id, want)
	}
	return k, nil
}

// keyID is the id that c2sp.org/signed-note recommends, which logs and
// witnesses must use for the types known here.
func keyID(name string, typeAndKey []byte) uint32 {
	h := sha256.Sum256(append([]byte(name+"\n"), typeAndKey...))
	return binary.BigEndian.Uint32(h[:])
}

// logVerifier is the verifier of a log's own signature.
func (k verifierKey) logVerifier(vkey string) (note.Verifier, error) {
	if k.kind != typeEd25519 || len(k.key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("log key %s: field type: 0x%02x, want 0x%02x (Ed25519)", k.name, k.kind, typeEd25519)
	}
	return note.NewVerifier(vkey)
}

// witnessVerifier is the verifier of a witness: of its cosignatures, which carry
// a time, or of the plain signatures of a note key, which carry none.
func (k verifierKey) witnessVerifier(vkey string) (note.Verifier, error) {
	switch {
	case k.kind == typeMLDSA44:
		return nil, fmt.Errorf("witness key %s: field type: ML-DSA-44 is not supported, want the witness's Ed25519 key (0x%02x)", k.name, typeCosignatureV1)
	case len(k.key) != ed25519.PublicKeySize || k.kind != typeCosignatureV1 && k.kind != typeEd25519:
		return nil, fmt.Errorf("witness key %s: field type: 0x%02x of %d bytes, want 0x%02x (Ed25519 cosignature) or 0x%02x (Ed25519) of %d",
			k.name, k.kind, len(k.key), typeCosignatureV1, typeEd25519, ed25519.PublicKeySize)
	case k.kind == typeEd25519:
		return note.NewVerifier(vkey)
	}
	return &cosignatureVerifier{k}, nil
}

// cosignatureVerifier checks Ed25519 cosignatures of c2sp.org/tlog-cosignature:
// a time in seconds and a signature over that time and the checkpoint's text.
type cosignatureVerifier struct{ key verifierKey }

func (v *cosignatureVerifier) Name() string    { return v.key.name }
func (v *cosignatureVerifier) KeyHash() uint32 { return v.key.id }

func (v *cosignatureVerifier) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	if at > math.MaxInt64 {
		return false
	}
	signed := append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), msg...)
	return ed25519.Verify(v.key.key, signed, sig[8:])
}

// NewKey is the vkey of a log with an Ed25519 key: what verifiers are given.
// The name is the log's origin.
func NewKey(origin string, key ed25519.PublicKey) (string, error) {
	if err := checkName(origin); err != nil {
		return "", fmt.Errorf("log key: field origin: %w", err)
	}
	if len(key) != ed25519.PublicKeySize {
		return "", errors.New("log key: want an Ed25519 public key")
	}
	return note.NewEd25519VerifierKey(origin, key)
}

// Origin is the name in a log's vkey: what its checkpoints must begin with.
func Origin(vkey string) (string, error) {
	k, err := parseKey(vkey)
	return k.name, err
}
