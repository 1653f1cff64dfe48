package data

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
)

// IndexEnding is how the name of an index ends.
const IndexEnding = ".index"

// source is an open file, and what it was when it was opened.
type source struct {
	*os.File
	path string
	info fs.FileInfo
}

func openSource(path string) (*source, error) {
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	return &source{f, path, info}, nil
}

// readAt reads bytes that must be there.
func (s *source) readAt(to []byte, at int64) error {
	_, err := s.ReadAt(to, at)
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Altered, s.path, "", "it ends before byte %d, and had %d bytes when it was opened", at+int64(len(to)), s.info.Size())
	}
	return err
}

// unchanged refuses a file that is another one than the one that was opened, or was written to since.
func (s *source) unchanged() error {
	open, err := s.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(input.Path(s.path))
	if err != nil {
		return fault.New(fault.Altered, s.path, "", "it was opened, and is gone: %w", err)
	}
	switch {
	case !os.SameFile(s.info, named):
		return fault.New(fault.Altered, s.path, "", "another file was put in its place while it was read")
	case open.Size() != s.info.Size():
		return fault.New(fault.Altered, s.path, "", "%d bytes, and %d when it was opened", open.Size(), s.info.Size())
	case !open.ModTime().Equal(s.info.ModTime()):
		return fault.New(fault.Altered, s.path, "", "it was written to while it was read")
	}
	return nil
}

// part is rows that follow one another in a file.
type part struct {
	*source
	at   int64 // byte of the first row
	rows uint64
}

// column is a stored tensor of all samples: the rows of its parts, in their order.
type column struct {
	width, pitch int64 // bytes of a row, and from one row to the next
	parts        []part
	ends         []uint64 // samples in the parts up to each
}

func (c *column) add(p part) {
	c.parts = append(c.parts, p)
	c.ends = append(c.ends, c.rows()+p.rows)
}

func (c *column) rows() uint64 {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1]
}

// find is the part that has a sample, the byte at which it begins there, and the end of the part's samples.
func (c *column) find(sample uint64) (p *part, at int64, end uint64) {
	k := sort.Search(len(c.ends), func(k int) bool { return c.ends[k] > sample })
	p = &c.parts[k]
	return p, p.at + int64(sample-(c.ends[k]-p.rows))*c.pitch, c.ends[k]
}

// named is a file, and the tensor that it holds if its format does not say; empty if it does.
type named struct{ tensor, path string }

// split reads NAME=PATH, of a tensor of a data set.
func split(arg string) named {
	name, path, found := strings.Cut(arg, "=")
	input, several := strings.CutPrefix(name, "x/")
	if found && path != "" && (name == "x" || name == "y" || several && input != "" && !strings.ContainsAny(input, `/\`)) {
		return named{name, path}
	}
	return named{"", arg}
}

// list is the files that arguments name: NAME=PATH or PATH, and of a folder all that have the ending of a format, in the order of
// their names.
func list(args []string) (all []named, err error) {
	for _, arg := range args {
		n := split(arg)
		info, err := os.Stat(input.Path(n.path))
		if err != nil || !info.IsDir() {
			all = append(all, n) // what is wrong with it, opening tells
			continue
		}
		folder, err := input.OpenFolder(n.path)
		if err != nil {
			return nil, err
		}
		entries, err := fs.ReadDir(folder.FS(), ".")
		folder.Close()
		if err != nil {
			return nil, err
		}
		found := false
		for _, e := range entries {
			if slices.Contains([]string{".safetensors", ".npy", ".bin"}, strings.ToLower(filepath.Ext(e.Name()))) {
				all, found = append(all, named{n.tensor, filepath.Join(n.path, e.Name())}), true
			}
		}
		if !found {
			return nil, fault.New(fault.Missing, n.path, "", "no file in it ends in .safetensors, .npy or .bin")
		}
	}
	if len(all) > MaxFiles {
		return nil, fault.New(fault.TooLarge, "", "data", "%d files, the limit is %d", len(all), MaxFiles)
	}
	return all, nil
}
