package data

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// MaxFiles is the most files of a data set.
const MaxFiles = 1 << 12

// Options say what files do not say themselves. A layout of a job says all but Skip.
type Options struct {
	Tokens *job.Tokens // windows, where the files are streams of tokens
	Skip   int64       // bytes before the tokens of each .bin
	// Scales are the normalisations of tensors by their names.
	Scales map[string]Scale
	Layout *job.Layout // of the job that the samples are for
}

// Scale is a normalisation: job.Stored.
type Scale struct{ Scale, Offset []float32 }

// Files are the samples of a data set in their files. Reading serves many goroutines at a time.
type Files struct {
	layout  job.Layout
	sources []*source
	columns []column // of the stored tensors, in the order of the layout
	samples uint64
	indexed *source // nil without an index
	leaves  []merkle.Hash
	*merkle.Blocks
}

// Open opens the files of a data set: NAME=PATH or PATH, or a folder of them, in the order of their samples. Safetensors say
// which tensors they hold. An .npy holds the tensor that is named, or x or y if its name begins so. With tokens, .bin and .npy
// hold streams of them, and no window reaches from one file to the next.
func Open(args []string, o Options) (f *Files, err error) {
	if o.Layout != nil {
		o = o.of(o.Layout)
	}
	all, err := list(args)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Missing, "data", "", "no file was named")
	}
	f = &Files{}
	if err := f.take(all, o); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// take opens files.
func (f *Files) take(all []named, o Options) error {
	fill := f.tensors
	if o.Tokens != nil {
		fill = f.streams
	}
	if err := fill(all, o); err != nil {
		return err
	}
	if err := f.layout.Check(); err != nil {
		return fault.In(all[0].path, err)
	}
	if f.samples < 1 || f.samples > job.MaxRows {
		return fault.New(fault.TooLarge, all[0].path, "", "%d samples, 1 to %d are those of a data set", f.samples, uint64(job.MaxRows))
	}
	return nil
}

// of are the options that a layout says.
func (o Options) of(l *job.Layout) Options {
	o.Tokens, o.Scales = l.Tokens, map[string]Scale{}
	for _, t := range l.Tensors {
		if len(t.Scale) > 0 {
			o.Scales[t.Name] = Scale{t.Scale, t.Offset}
		}
	}
	return o
}

// open opens a file, which Close closes.
func (f *Files) open(path string) (*source, error) {
	s, err := openSource(path)
	if err != nil {
		return nil, err
	}
	f.sources = append(f.sources, s)
	return s, nil
}

// Close closes the files.
func (f *Files) Close() (err error) {
	for _, s := range f.sources {
		err = errors.Join(err, s.Close())
	}
	if f.indexed != nil {
		err = errors.Join(err, f.indexed.Close())
	}
	return err
}

// streams takes files of tokens.
func (f *Files) streams(all []named, o Options) error {
	f.layout.Tokens = o.Tokens
	if err := f.layout.Check(); err != nil {
		return err
	}
	width := o.Tokens.DType.Size()
	c := column{width: width * int64(o.Tokens.Context+1), pitch: width * int64(o.Tokens.Stride)}
	for _, n := range all {
		s, err := f.open(n.path)
		if err != nil {
			return err
		}
		t := array{at: o.Skip, dtype: o.Tokens.DType}
		switch strings.ToLower(filepath.Ext(n.path)) {
		case ".npy":
			if t, err = npyArray(s); err != nil {
				return fault.In(n.path, err)
			}
			if len(t.shape) != 1 || t.dtype != o.Tokens.DType {
				return fault.New(fault.WrongType, n.path, "", "%s of shape %v, tokens are one dimension of %s", t.dtype, t.shape, o.Tokens.DType)
			}
		case ".bin":
			if o.Skip < 0 || o.Skip > s.info.Size() {
				return fault.New(fault.OutOfRange, n.path, "", "%d bytes, and %d to be passed over", s.info.Size(), o.Skip)
			}
		default:
			return fault.New(fault.WrongType, n.path, "", "tokens are read from .bin and .npy")
		}
		bytes := s.info.Size() - t.at
		if bytes%width != 0 {
			return fault.New(fault.BadLength, n.path, "", "%d bytes of tokens, which are no multiple of %d", bytes, width)
		}
		if bytes < c.width {
			return fault.New(fault.BadLength, n.path, "", "%d tokens, a window has %d", bytes/width, o.Tokens.Context+1)
		}
		c.add(part{s, t.at, uint64((bytes-c.width)/c.pitch) + 1})
	}
	f.columns, f.samples = []column{c}, c.rows()
	return nil
}

// tensors takes files of tensors.
func (f *Files) tensors(all []named, o Options) error {
	tensors := map[string]*job.Stored{}
	columns := map[string]*column{}
	for _, n := range all {
		s, err := f.open(n.path)
		if err != nil {
			return err
		}
		arrays, err := arraysOf(s, n)
		if err != nil {
			return fault.In(n.path, err)
		}
		for _, a := range arrays {
			row := a.row()
			stored := &job.Stored{Name: a.name, DType: a.dtype, Shape: a.shape[1:], Scale: o.Scales[a.name].Scale, Offset: o.Scales[a.name].Offset}
			if before := tensors[a.name]; before == nil {
				tensors[a.name], columns[a.name] = stored, &column{width: row, pitch: row}
			} else if before.DType != a.dtype || !slices.Equal(before.Shape, stored.Shape) {
				return fault.New(fault.WrongType, n.path, fmt.Sprintf("tensor %q", a.name), "rows of %s %v, the files before have %s %v", a.dtype, stored.Shape, before.DType, before.Shape)
			}
			columns[a.name].add(part{s, a.at, uint64(a.shape[0])})
		}
	}
	for name := range o.Scales {
		if tensors[name] == nil {
			return fault.New(fault.WrongType, all[0].path, "", "tensor %q is to be normalised, and is in no file", name)
		}
	}
	var names []string
	for name := range tensors {
		names = append(names, name)
	}
	slices.Sort(names) // "y" is behind all that begin with "x"
	if !slices.Contains(names, "y") || len(names) < 2 {
		return fault.New(fault.WrongType, all[0].path, "", "tensors %q: x, or x/NAME of each input, and y are needed", names)
	}
	for _, name := range names {
		c := columns[name]
		if first := columns[names[0]]; c.rows() != first.rows() {
			return fault.New(fault.WrongType, c.parts[0].path, "", "tensor %q has %d rows and tensor %q has %d", names[0], first.rows(), name, c.rows())
		}
		f.layout.Tensors = append(f.layout.Tensors, *tensors[name])
		f.columns = append(f.columns, *c)
	}
	f.samples = f.columns[0].rows()
	return nil
}

// Layout is how the samples are stored.
func (f *Files) Layout() job.Layout { return f.layout }

// Samples is their number.
func (f *Files) Samples() uint64 { return f.samples }

// Bytes is the size of the files.
func (f *Files) Bytes() (n int64) {
	for _, s := range f.sources {
		n += s.info.Size()
	}
	return n
}

// Paths are the files in their order.
func (f *Files) Paths() (all []string) {
	for _, s := range f.sources {
		all = append(all, s.path)
	}
	return all
}

// Dataset is the samples as a job's. They must have been committed to, or have an index.
func (f *Files) Dataset() (*job.Dataset, error) {
	if f.Blocks == nil {
		return nil, errors.New("data: samples that nobody has hashed")
	}
	return job.DatasetOf(f.layout, f.samples, f)
}

// Read implements job.Samples.
func (f *Files) Read(to [][]byte, sample uint64) error {
	for k := range f.columns {
		p, at, _ := f.columns[k].find(sample)
		if err := p.readAt(to[k], at); err != nil {
			return err
		}
	}
	return nil
}

// Place implements job.Samples: the files that hold a sample.
func (f *Files) Place(sample uint64) string {
	var paths []string
	for k := range f.columns {
		if p, _, _ := f.columns[k].find(sample); !slices.Contains(paths, p.path) {
			paths = append(paths, p.path)
		}
	}
	return strings.Join(paths, ", ")
}
