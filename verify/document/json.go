package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/verify/fault"
)

// MaxSize is the largest document in bytes, its envelope included.
const MaxSize = 1 << 20

// Encode returns the canonical JSON of doc.
func Encode(doc any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Decode reads the canonical JSON of a T. Errors begin with file.
func Decode[T any](file string, data []byte) (T, error) {
	var doc, none T
	if len(data) > MaxSize {
		return none, fault.New(fault.TooLarge, file, "", "%d bytes, the limit is %d", len(data), MaxSize)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return none, fault.In(file, explain(err))
	}
	again, err := Encode(doc)
	if err != nil {
		return none, fault.In(file, err)
	}
	if !bytes.Equal(again, data) {
		return none, fault.New(fault.NotCanonical, file, "", "not canonical JSON: byte %d differs from the canonical form", firstDifference(again, data))
	}
	return doc, nil
}

// explain puts class and field into an error of encoding/json.
func explain(err error) error {
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		return fault.New(fault.BadForm, "", fmt.Sprintf("field %q", typed.Field), "%s where %v is needed", typed.Value, typed.Type)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fault.New(fault.BadForm, "", "", "not JSON: byte %d: %w", syntax.Offset, err)
	}
	return fault.As(fault.BadForm, err)
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
