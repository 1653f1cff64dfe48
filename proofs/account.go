package proofs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/sha3"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// addressSize is that of an EVM address in bytes.
const addressSize = 20

// ParseAccount reads a ledger account, of which there are two kinds: an EVM
// address, 0x and 40 hex digits, padded with zeros on the left; and 32 bytes,
// 0x and 64 lower-case hex digits, as Hash.String writes them. An address in
// capitals and small letters carries ERC-55's checksum, which must be right;
// one all in either has none. Nothing shorter is an account: whoever lost a
// digit would be paid where nobody is.
func ParseAccount(s string) (Hash, error) {
	if len(s) != 2+2*addressSize {
		h, err := parseHash(s)
		if err != nil {
			err = fmt.Errorf("%.80q is neither an address, 0x and 40 hex digits, nor 32 bytes, 0x and 64 lower-case hex digits", s)
		}
		return h, err
	}
	digits, ok := strings.CutPrefix(s, "0x")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return Hash{}, fmt.Errorf("%.80q is not an address, 0x and 40 hex digits", s)
	}
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && digits != checksummed(digits) {
		return Hash{}, fmt.Errorf("%.80q: its capitals are not those of its checksum (ERC-55): a digit is wrong", s)
	}
	var h Hash
	copy(h[len(h)-addressSize:], raw)
	return h, nil
}

// checksummed are the digits of an address with ERC-55's capitals: a letter is
// one where the same digit of the Keccak-256 of the small ones is above 7.
func checksummed(digits string) string {
	small := strings.ToLower(digits)
	keccak := sha3.NewLegacyKeccak256()
	keccak.Write([]byte(small)) // a hash never fails to be written
	sum := hex.EncodeToString(keccak.Sum(nil))
	out := []byte(small)
	for i, c := range out {
		if c >= 'a' && sum[i] > '7' {
			out[i] = c - 'a' + 'A'
		}
	}
	return string(out)
}

// An audience is named by a URN (RFC 8141) or a CAIP-10 account id, each in one
// spelling: namespaces in lower case, a chain id in its own, nothing escaped.
var (
	urnName    = regexp.MustCompile(`^urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:[a-zA-Z0-9._:-][a-zA-Z0-9._:/-]{0,127}$`)
	caipName   = regexp.MustCompile(`^[a-z0-9-]{3,8}:[a-zA-Z0-9_-]{1,32}:[a-zA-Z0-9.-]{1,128}$`)
	evmName    = regexp.MustCompile(`^eip155:[1-9][0-9]{0,31}:0x[0-9a-f]{40}$`)
	hexName    = regexp.MustCompile(`^[^:]+:[^:]+:0[xX]`)
	anyHexName = regexp.MustCompile(`^[^:]+:[^:]+:0x[0-9a-f]+$`)
	cosmosName = regexp.MustCompile(`^cosmos:[^:]+:[a-z0-9]+$`)
)

// Audience is the hash that stands for one ledger in a statement: the SHA-256
// of its CAIP-10 name, e.g. eip155:8453:0xab..., or of a URN, e.g.
// urn:db:payroll. A name has one spelling, so that a ledger has one name: what
// readers of either form would take for the same, a namespace in capitals, an
// address in hex or Bech32 with capitals or an escaped character, is refused.
func Audience(name string) (Hash, error) {
	urn := strings.HasPrefix(name, "urn:")
	fault := ""
	switch {
	case urn && !urnName.MatchString(name):
		fault = "want urn, a namespace in lower case, and a name of letters, digits and ._:/- without escapes"
	case urn:
	case !caipName.MatchString(name):
		fault = "is neither namespace:chain:address (CAIP-10) nor urn:namespace:name"
	case strings.HasPrefix(name, "eip155:") && !evmName.MatchString(name):
		fault = "want eip155, a chain id in decimal, and 0x with 40 lower-case hex digits"
	case hexName.MatchString(name) && !anyHexName.MatchString(name):
		fault = "want an address of 0x in lower case"
	case strings.HasPrefix(name, "cosmos:") && !cosmosName.MatchString(name):
		fault = "want an address in lower case (Bech32)"
	}
	if fault != "" {
		return Hash{}, refuse(class.OutOfRange, "audience", "%.80q: %s", name, fault)
	}
	return sha256.Sum256([]byte(name)), nil
}
