// Package vectors holds the test vectors of verifyd's proofs, for readers in
// any language. README.md has the form of the files.
package vectors

import (
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Files are the vectors, one text file each.
//
//go:embed *.txt
var Files embed.FS

// A Vector is one input and what a reader must make of it.
type Vector struct {
	Name    string
	Comment string
	Kind    string // what is read, see README.md
	Class   string // what was done to it; empty if it is good
	Expect  string // "success", or the failure class and the field of the refusal
	// Facts are the other lines of the header: what the reader knows.
	Facts map[string]string
	// Body is the input: bytes where the file has hex, the text itself where it
	// has a JSON file.
	Body []byte
}

// All returns every vector in the order of their names.
func All() ([]Vector, error) {
	names, err := fs.Glob(Files, "*.txt")
	if err != nil {
		return nil, err
	}
	all := make([]Vector, len(names))
	for i, name := range names {
		data, err := Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if all[i], err = Parse(strings.TrimSuffix(path.Base(name), ".txt"), data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// Parse reads one vector's file.
func Parse(name string, data []byte) (Vector, error) {
	header, body, ok := strings.Cut(string(data), "\n\n")
	if !ok {
		return Vector{}, fmt.Errorf("no blank line after the header")
	}
	v := Vector{Name: name, Facts: make(map[string]string)}
	for line := range strings.SplitSeq(header, "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok {
			return Vector{}, fmt.Errorf("header line %.40q is not name: value", line)
		}
		switch key {
		case "comment":
			v.Comment = value
		case "kind":
			v.Kind = value
		case "class":
			v.Class = value
		case "expect":
			v.Expect = value
		default:
			v.Facts[key] = value
		}
	}
	if v.Facts["encoding"] == "file" {
		v.Body = []byte(body)
		return v, nil
	}
	var err error
	v.Body, err = hex.DecodeString(strings.ReplaceAll(body, "\n", ""))
	return v, err
}
