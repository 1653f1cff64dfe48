package proofs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/verifyd/verifyd/proofs/internal/class"
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

// ParseAccount reads a ledger account: 0x and up to 32 bytes in hex, which are
// padded with zeros on the left, as an EVM address is.
func ParseAccount(s string) (Hash, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	raw, err := hex.DecodeString(digits)
	var h Hash
	if !ok || err != nil || len(raw) == 0 || len(raw) > len(h) {
		return Hash{}, fmt.Errorf("%.80q is not 0x and 1 to 32 bytes in hex", s)
	}
	copy(h[len(h)-len(raw):], raw)
	return h, nil
}

// audienceName is a CAIP-10 account id, or a URN by RFC 8141 in lower case up
// to its namespace.
var (
	audienceName = regexp.MustCompile(`^(urn:[a-z0-9][a-z0-9-]{0,31}:|[a-z0-9-]{3,8}:[a-zA-Z0-9_-]{1,32}:)[a-zA-Z0-9._:/%-]{1,128}$`)
	evmName      = regexp.MustCompile(`^eip155:[1-9][0-9]{0,31}:0x[0-9a-f]{40}$`)
)

// Audience is the hash that stands for one ledger in a statement: the SHA-256
// of its CAIP-10 name, e.g. eip155:8453:0xab..., or of a URN, e.g.
// urn:db:payroll. An EVM address is in lower case, so that a contract has one
// name.
func Audience(name string) (Hash, error) {
	if !audienceName.MatchString(name) {
		return Hash{}, refuse(class.OutOfRange, "audience", "%.80q is neither namespace:chain:address (CAIP-10) nor urn:namespace:name", name)
	}
	if strings.HasPrefix(name, "eip155:") && !evmName.MatchString(name) {
		return Hash{}, refuse(class.OutOfRange, "audience", "%.80q: want eip155, a chain id in decimal, and 0x with 40 lower-case hex digits", name)
	}
	return sha256.Sum256([]byte(name)), nil
}
