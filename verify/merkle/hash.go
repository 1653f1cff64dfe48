package merkle

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/verifyd/verifyd/verify/fault"
)

// Version names this construction in signed documents.
const Version = "verifyd-merkle/1"

// Size is the length of a hash in bytes.
const Size = sha256.Size

// Hash is a SHA-256 value: a leaf hash, a node hash, a root, or any other 32-byte digest. Its text
// form is 64 lower-case hexadecimal digits.
type Hash [Size]byte

// String returns h in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) {
	return hex.AppendEncode(make([]byte, 0, 2*Size), h[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It takes only the form that MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// ParseHash reads 64 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*Size {
		return h, fault.New(fault.BadForm, "", "", "a hash has %d hexadecimal digits, %d characters given", 2*Size, len(s))
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return h, fault.New(fault.BadForm, "", "", "a hash is lower-case hexadecimal: character %d is %q", i, c)
		}
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, err
	}
	return h, nil
}

// shortLeaf is the longest leaf that is hashed without allocating.
const shortLeaf = 511

// LeafHash returns SHA-256(0x00 || data).
func LeafHash(data []byte) Hash {
	if len(data) <= shortLeaf {
		var buf [1 + shortLeaf]byte
		return sha256.Sum256(buf[:1+copy(buf[1:], data)])
	}
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// NodeHash returns SHA-256(0x01 || left || right).
func NodeHash(left, right Hash) Hash {
	var buf [1 + 2*Size]byte
	buf[0] = 1
	copy(buf[1:], left[:])
	copy(buf[1+Size:], right[:])
	return sha256.Sum256(buf[:])
}

// Empty is the root of a tree without leaves: SHA-256 of nothing.
func Empty() Hash { return sha256.Sum256(nil) }
