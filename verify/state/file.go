package state

import (
	"io"
	"strconv"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Infos describes tensors as a file holds them, in order, each name behind prefix.
func Infos(prefix string, tensors []program.TensorSpec) []safetensors.Info {
	infos := make([]safetensors.Info, len(tensors))
	for i, t := range tensors {
		infos[i] = safetensors.Info{Name: prefix + t.Name, DType: safetensors.F32, Shape: t.Shape}
	}
	return infos
}

// Write writes a state as a safetensors file: the layout's tensors in order, the counters as metadata.
func Write(w io.Writer, l *Layout, c Counters, tensors [][]float32) error {
	s, err := safetensors.NewWriter(w, c.metadata(), Infos("", l.specs))
	if err != nil {
		return err
	}
	for _, x := range tensors {
		if err := s.F32(x); err != nil {
			return err
		}
	}
	return s.Close()
}

// Read fills tensors from a file that Write wrote for the same layout, and refuses any other file.
// Errors begin with file.
func Read(r io.Reader, file string, l *Layout, tensors [][]float32) (Counters, error) {
	c, err := ReadAny(r, file, l, tensors)
	if err == nil {
		err = fault.In(file, l.CheckFinite(tensors))
	}
	return c, err
}

// ReadAny is Read, and takes a state whose numbers are not finite, too.
func ReadAny(r io.Reader, file string, l *Layout, tensors [][]float32) (Counters, error) {
	s, err := safetensors.NewReader(r, file, l.Bytes())
	if err != nil {
		return Counters{}, err
	}
	if err := s.Expect(Infos("", l.specs)); err != nil {
		return Counters{}, err
	}
	c, err := ParseCounters(s.Metadata())
	if err != nil {
		return Counters{}, fault.In(file, fault.Under("metadata", err))
	}
	for _, x := range tensors {
		if err := s.F32(x); err != nil {
			return Counters{}, err
		}
	}
	return c, s.Close()
}

func (c Counters) metadata() map[string]string {
	return map[string]string{
		"format": Version,
		"step":   strconv.FormatUint(c.Step, 10),
		"rng":    strconv.FormatUint(c.RNG, 10),
		"cursor": strconv.FormatUint(c.Cursor, 10),

		"assignment": c.Assignment.String(),
	}
}

// ParseCounters reads what Write leaves as metadata.
func ParseCounters(m map[string]string) (Counters, error) {
	var c Counters
	if m["format"] != Version {
		return c, fault.New(fault.UnknownVersion, "", "", "format %.40q, %q is needed", m["format"], Version)
	}
	for key, into := range map[string]*uint64{"step": &c.Step, "rng": &c.RNG, "cursor": &c.Cursor} {
		v, err := strconv.ParseUint(m[key], 10, 64)
		if err != nil || strconv.FormatUint(v, 10) != m[key] {
			return c, fault.New(fault.BadForm, "", key, "%.40q is not a plain decimal integer", m[key])
		}
		*into = v
	}
	if err := c.Assignment.UnmarshalText([]byte(m["assignment"])); err != nil {
		return c, fault.Under("assignment", err)
	}
	if len(m) != 5 {
		return c, fault.New(fault.BadForm, "", "", "%d keys, 5 are needed", len(m))
	}
	return c, nil
}
