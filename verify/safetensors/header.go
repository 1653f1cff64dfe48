package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/verifyd/verifyd/verify/fault"
)

// metadataKey is the header key that holds text instead of a tensor.
const metadataKey = "__metadata__"

// entry is one tensor of a header: its description and the half-open range of its bytes.
type entry struct {
	Info
	begin, end int64
}

func badForm(format string, args ...any) error {
	return fault.New(fault.BadForm, "", "", format, args...)
}

func tooLarge(format string, args ...any) error {
	return fault.New(fault.TooLarge, "", "", format, args...)
}

// tensorField is how an error names a tensor.
func tensorField(name string) string { return fmt.Sprintf("tensor %q", name) }

// parseHeader reads a JSON header whose element types sizeOf knows. The entries come back in the order of their bytes, and
// tile [0, the last end).
func parseHeader(header []byte, sizeOf func(DType) int64) ([]entry, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, badForm("not UTF-8")
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, badForm("does not begin with {")
	}
	p := parser{dec: json.NewDecoder(bytes.NewReader(header)), sizeOf: sizeOf}
	p.dec.UseNumber()
	var entries []entry
	var metadata map[string]string
	seen := make(map[string]bool)
	err := p.object(func(key string) error {
		if seen[key] {
			return badForm("key %q is given twice", key)
		}
		seen[key] = true
		if key == metadataKey {
			var err error
			metadata, err = p.metadata()
			return err
		}
		if err := checkName(key); err != nil {
			return err
		}
		if len(entries) == MaxTensors {
			return tooLarge("more than %d tensors", MaxTensors)
		}
		e, err := p.entry(key)
		if err != nil {
			return fault.Under(tensorField(key), err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if rest := bytes.Trim(header[p.dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, badForm("%d bytes follow the JSON object", len(rest))
	}
	return entries, metadata, tile(entries)
}

// tile sorts entries by their bytes and checks that they follow each other without hole or overlap.
func tile(entries []entry) error {
	slices.SortFunc(entries, func(a, b entry) int {
		switch {
		case a.begin < b.begin:
			return -1
		case a.begin > b.begin:
			return 1
		}
		return 0
	})
	var at int64
	for _, e := range entries {
		if e.begin < at {
			return fault.New(fault.BadForm, "", tensorField(e.Name), "begins at byte %d inside the tensor before it, which ends at %d", e.begin, at)
		}
		if e.begin > at {
			return fault.New(fault.BadForm, "", tensorField(e.Name), "begins at byte %d and leaves a hole after byte %d", e.begin, at)
		}
		at = e.end
	}
	return nil
}

// parser reads JSON token by token: encoding/json's structs would keep the last of two equal keys.
type parser struct {
	dec    *json.Decoder
	sizeOf func(DType) int64
}

func (p parser) token() (json.Token, error) {
	tok, err := p.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, badForm("JSON: %w", err)
	}
	return tok, nil
}

func (p parser) delim(want json.Delim) error {
	tok, err := p.token()
	if err != nil {
		return err
	}
	if tok != want {
		return badForm("JSON: %v where %v is needed", tok, want)
	}
	return nil
}

// object reads an object and calls field for each key; field reads the value.
func (p parser) object(field func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.dec.More() {
		tok, err := p.token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return badForm("JSON: %v where a key is needed", tok)
		}
		if err := field(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p parser) text() (string, error) {
	tok, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", badForm("%v where text is needed", tok)
	}
	return s, nil
}

func (p parser) metadata() (map[string]string, error) {
	m := make(map[string]string)
	size := 0
	err := p.object(func(key string) error {
		if _, dup := m[key]; dup {
			return badForm("key %q is given twice", key)
		}
		value, err := p.text()
		if err != nil {
			return err
		}
		if size += len(key) + len(value); size > MaxMetadata {
			return tooLarge("more than %d bytes", MaxMetadata)
		}
		m[key] = value
		return nil
	})
	if err != nil {
		return nil, fault.Under(metadataKey, err)
	}
	return m, nil
}

// integers reads an array of at most limit plain decimal integers.
func (p parser) integers(limit int) ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	list := []int64{}
	for p.dec.More() {
		if len(list) == limit {
			return nil, tooLarge("more than %d numbers", limit)
		}
		tok, err := p.token()
		if err != nil {
			return nil, err
		}
		number, ok := tok.(json.Number)
		if !ok {
			return nil, badForm("%v where a number is needed", tok)
		}
		v, err := strconv.ParseUint(string(number), 10, 63)
		if err != nil || number.String() != strconv.FormatUint(v, 10) {
			return nil, badForm("%.40q is not a plain decimal integer below 2^63", number.String())
		}
		list = append(list, int64(v))
	}
	return list, p.delim(']')
}

func (p parser) entry(name string) (entry, error) {
	e := entry{Info: Info{Name: name}}
	var given struct{ dtype, shape, offsets bool }
	err := p.object(func(key string) error {
		field := map[string]*bool{"dtype": &given.dtype, "shape": &given.shape, "data_offsets": &given.offsets}[key]
		if field == nil {
			return badForm("unknown key %q", key)
		}
		if *field {
			return badForm("key %q is given twice", key)
		}
		*field = true
		switch key {
		case "dtype":
			s, err := p.text()
			if err != nil {
				return fault.Under("dtype", err)
			}
			e.DType = DType(s)
		case "shape":
			dims, err := p.integers(MaxRank)
			if err != nil {
				return fault.Under("shape", err)
			}
			e.Shape = make([]int, len(dims))
			for i, d := range dims {
				if e.Shape[i] = int(d); int64(e.Shape[i]) != d {
					return fault.New(fault.TooLarge, "", "shape", "dimension %d overflows", i)
				}
			}
		case "data_offsets":
			ends, err := p.integers(2)
			if err != nil {
				return fault.Under("data_offsets", err)
			}
			if len(ends) != 2 || ends[1] < ends[0] {
				return fault.New(fault.BadForm, "", "data_offsets", "%v is not a begin and an end", ends)
			}
			e.begin, e.end = ends[0], ends[1]
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	if !given.dtype || !given.shape || !given.offsets {
		return e, badForm("dtype, shape and data_offsets are needed")
	}
	n, err := e.elements(p.sizeOf(e.DType))
	if err != nil {
		return e, err
	}
	if want := int64(n) * p.sizeOf(e.DType); e.end-e.begin != want {
		return e, badForm("data_offsets hold %d bytes, %s of shape %v needs %d", e.end-e.begin, e.DType, e.Shape, want)
	}
	return e, nil
}
