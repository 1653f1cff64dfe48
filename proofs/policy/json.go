package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
)

// MaxSize bounds a policy in bytes. One with every field is about 1,000.
const MaxSize = 64 << 10

// Uint is an unsigned integer of 128 bits, in JSON a decimal string in its
// shortest form.
type Uint struct{ proofs.Uint128 }

// MarshalText is u in decimal.
func (u Uint) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText writes, and no other spelling.
func (u *Uint) UnmarshalText(text []byte) (err error) {
	u.Uint128, err = proofs.ParseUint128(string(text))
	return err
}

// Int is a signed integer of 128 bits, in JSON a decimal string in its
// shortest form.
type Int struct{ proofs.Int128 }

// MarshalText is i in decimal.
func (i Int) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText writes, and no other spelling.
func (i *Int) UnmarshalText(text []byte) (err error) {
	i.Int128, err = proofs.ParseInt128(string(text))
	return err
}

// Hash is 32 bytes, in JSON 0x and 64 lower-case hex digits.
type Hash struct{ proofs.Hash }

// MarshalText is h in hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes, and no other spelling.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := proofs.ParseAccount(string(text))
	if err != nil || parsed.String() != string(text) {
		return fmt.Errorf("%.80q is not 0x and 64 lower-case hex digits", text)
	}
	h.Hash = parsed
	return nil
}

// encodeCanonical returns the canonical JSON of a document whose struct fields
// are declared in the order of their names and whose strings are plain ASCII:
// what RFC 8785 gives.
func encodeCanonical(doc any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decodeCanonical reads canonical JSON of at most limit bytes: what it decodes
// must encode to the same bytes, so that unknown, repeated, reordered or
// missing fields and other spellings are refused.
func decodeCanonical(data []byte, limit int, doc any) error {
	if len(data) > limit {
		return fmt.Errorf("%d bytes, the limit is %d", len(data), limit)
	}
	if err := json.Unmarshal(data, doc); err != nil {
		var typed *json.UnmarshalTypeError
		if errors.As(err, &typed) {
			return fmt.Errorf("field %s: %s where %v is needed", typed.Field, typed.Value, typed.Type)
		}
		return fmt.Errorf("not the JSON of this document: %w", err)
	}
	again, err := encodeCanonical(doc)
	if err != nil {
		return err
	}
	if bytes.Equal(again, data) {
		return nil
	}
	at := 0
	for at < min(len(again), len(data)) && again[at] == data[at] {
		at++
	}
	return fmt.Errorf("not canonical JSON: byte %d differs from the canonical form", at)
}
