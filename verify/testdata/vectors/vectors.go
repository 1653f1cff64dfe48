// Package vectors holds bundles that a verifier of verifyd must refuse, and what it must say about them, for
// readers in any language. README.md has the form of the files.
package vectors

import (
	"cmp"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.txt bundle logged registered
var files embed.FS

// Vector is a change to Bundle and what comes of it.
type Vector struct {
	Name    string
	Comment string
	// Class is that of the refusal, and File and Field say where; Class is empty if the case is concluded.
	Class, File, Field string
	// Facts are the other lines of the header.
	Facts map[string]string
	// Files take the place of the bundle's.
	Files map[string][]byte
}

// Bundle is the bundle that the vector changes. On its own it is a PASS.
func (v Vector) Bundle() (fs.FS, error) { return fs.Sub(files, cmp.Or(v.Facts["bundle"], "bundle")) }

// All returns every vector in the order of their names.
func All() ([]Vector, error) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, err
	}
	all := make([]Vector, len(names))
	for i, name := range names {
		data, err := files.ReadFile(name)
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
	header, body, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), "\n\n")
	v := Vector{Name: name, Facts: map[string]string{}, Files: map[string][]byte{}}
	for line := range strings.SplitSeq(header, "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok {
			return v, fmt.Errorf("header line %.40q is not name: value", line)
		}
		switch key {
		case "comment":
			v.Comment = value
		case "class":
			v.Class = value
		case "file":
			v.File = value
		case "field":
			v.Field = value
		default:
			v.Facts[key] = value
		}
	}
	if body == "" {
		return v, nil
	}
	for part := range strings.SplitSeq(body, "\n\n") {
		head, content, _ := strings.Cut(part, "\n")
		form, file, ok := strings.Cut(head, " ")
		switch {
		case ok && form == "text":
			v.Files[file] = []byte(content)
		case ok && form == "hex":
			plain, err := hex.DecodeString(strings.ReplaceAll(content, "\n", ""))
			if err != nil {
				return v, fmt.Errorf("%s: %w", file, err)
			}
			v.Files[file] = plain
		default:
			return v, fmt.Errorf("%.40q begins no file", head)
		}
	}
	return v, nil
}
