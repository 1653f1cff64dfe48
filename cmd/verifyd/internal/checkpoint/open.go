package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// sizes are the bytes of the element types that safetensors has.
var sizes = map[safetensors.DType]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
	"I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8, "C64": 8,
}

func sizeOf(d safetensors.DType) int64 { return sizes[d] }

// Tensor is a tensor of a checkpoint, which lies in a file.
type Tensor struct {
	safetensors.Info
	file *file
	at   int64 // of its first byte
}

// File is the name of the file that has the tensor, as the user gave it.
func (t *Tensor) File() string { return t.file.path }

// field is how an error names the tensor.
func (t *Tensor) field() string { return fmt.Sprintf("tensor %q", t.Name) }

// fail is an error of the tensor.
func (t *Tensor) fail(c fault.Class, format string, args ...any) error {
	return fault.New(c, t.file.path, t.field(), format, args...)
}

// Checkpoint is a list of files and their tensors. Its methods serve one goroutine at a time.
type Checkpoint struct {
	Tensors  []*Tensor         // in the order of the files and of their bytes
	Metadata map[string]string // of the first file
	files    []*file
}

// file is a file that is open.
type file struct {
	path  string
	f     *os.File
	size  int64
	mtime time.Time
}

// Open opens files and folders. A tensor that two of them have is refused. The caller closes the checkpoint.
func Open(paths ...string) (_ *Checkpoint, err error) {
	c := &Checkpoint{}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	have := make(map[string]*Tensor)
	for _, path := range paths {
		before := len(c.Tensors)
		if err := c.add(path); err != nil {
			return nil, err
		}
		for _, t := range c.Tensors[before:] {
			if other := have[t.Name]; other != nil {
				return nil, t.fail(fault.WrongType, "%s has it, too: one of two files is needed", other.File())
			}
			have[t.Name] = t
		}
	}
	if len(c.Tensors) > maxTensors {
		return nil, fault.New(fault.TooLarge, paths[0], "", "%d tensors, the limit is %d", len(c.Tensors), maxTensors)
	}
	return c, nil
}

// Close closes the files.
func (c *Checkpoint) Close() error {
	var errs error
	for _, f := range c.files {
		errs = errors.Join(errs, f.f.Close())
	}
	return errs
}

// add opens what a path names.
func (c *Checkpoint) add(path string) error {
	info, err := os.Stat(input.Path(path))
	if err != nil {
		return err
	}
	if info.IsDir() {
		if path, err = inFolder(path); err != nil {
			return err
		}
	}
	if strings.HasSuffix(path, ".json") {
		return c.sharded(path)
	}
	return c.single(path)
}

// inFolder is the file of a folder that says where its tensors are.
func inFolder(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var indexes, files []string
	for _, e := range list {
		switch name := e.Name(); {
		case strings.HasSuffix(name, IndexSuffix):
			indexes = append(indexes, name)
		case strings.HasSuffix(name, ".safetensors"):
			files = append(files, name)
		}
	}
	switch {
	case len(indexes) == 1:
		return filepath.Join(dir, indexes[0]), nil
	case len(indexes) == 0 && len(files) == 1:
		return filepath.Join(dir, files[0]), nil
	case len(indexes)+len(files) == 0:
		return "", fault.New(fault.Missing, dir, "", "neither NAME%s nor a .safetensors file is in this folder; pickled files (.bin, .pt) are not read", IndexSuffix)
	}
	return "", fault.New(fault.WrongType, dir, "", "%d indexes and %d files: name one of them", len(indexes), len(files))
}

// sharded opens the files of an index, each of which has exactly the tensors that the index says.
func (c *Checkpoint) sharded(path string) error {
	data, err := input.ReadFile(path, maxIndex)
	if err != nil {
		return err
	}
	index, err := parseIndex(path, data)
	if err != nil {
		return err
	}
	files := make(map[string]bool)
	for _, shard := range index {
		files[shard] = true
	}
	before := len(c.Tensors)
	for _, shard := range slices.Sorted(maps.Keys(files)) {
		from := len(c.Tensors)
		err := c.single(filepath.Join(filepath.Dir(path), shard))
		if errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Missing, path, "weight_map", "names %s, which is not there", shard)
		}
		if err != nil {
			return err
		}
		for _, t := range c.Tensors[from:] {
			if index[t.Name] != shard {
				return t.fail(fault.WrongType, "not where %s has it, which is %.80q", filepath.Base(path), index[t.Name])
			}
		}
	}
	if got := len(c.Tensors) - before; got != len(index) {
		for _, t := range c.Tensors[before:] {
			delete(index, t.Name)
		}
		name := slices.Sorted(maps.Keys(index))[0]
		return fault.New(fault.WrongType, path, "weight_map", "%d tensors are not in their files, such as %q in %s", len(index), name, index[name])
	}
	return nil
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// single opens one safetensors file.
func (c *Checkpoint) single(path string) error {
	f, info, err := input.Open(path)
	if err != nil {
		return err
	}
	opened := &file{path: path, f: f, size: info.Size(), mtime: info.ModTime()}
	c.files = append(c.files, opened)
	r := &counted{r: f}
	infos, metadata, err := safetensors.ReadLayout(r, path, math.MaxInt64, sizeOf)
	if err != nil {
		return err
	}
	if len(c.files) == 1 {
		c.Metadata = metadata
	}
	at := r.n
	for _, i := range infos {
		c.Tensors = append(c.Tensors, &Tensor{Info: i, file: opened, at: at})
		n, _ := i.Count() // it was counted when it was read
		at += int64(n) * sizeOf(i.DType)
	}
	if at != opened.size {
		class, what := fault.BadLength, "is truncated"
		if at < opened.size {
			what = "goes on behind its last tensor"
		}
		return fault.New(class, path, "", "%d bytes, its header describes %d: the file %s", opened.size, at, what)
	}
	return nil
}

// unchanged refuses a file that was written to while it was read.
func (f *file) unchanged() error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size || !info.ModTime().Equal(f.mtime) {
		return fault.New(fault.Altered, f.path, "", "changed while it was read")
	}
	return nil
}
