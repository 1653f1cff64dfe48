package proofs

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// A Hash is 32 bytes: a digest, or an identifier that is one.
type Hash [32]byte

// String is h in hex with a leading 0x.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText makes h its String in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// parseHash reads what Hash.String writes, and no other spelling of it.
func parseHash(s string) (Hash, error) {
	var h Hash
	raw, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err == nil && len(raw) == len(h) {
		h = Hash(raw)
	}
	if h.String() != s {
		return Hash{}, fmt.Errorf("%.80q is not 0x and 64 lower-case hex digits", s)
	}
	return h, nil
}
