package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Samples are where the samples of a data set lie. Reading serves many goroutines at a time.
type Samples interface {
	// Read copies a sample as it is stored, tensor k to to[k].
	Read(to [][]byte, sample uint64) error
	// Leaf is the leaf hash that a sample was committed with.
	Leaf(sample uint64) (merkle.Hash, error)
	// Place says where a sample lies, for people; empty if that is in memory.
	Place(sample uint64) string
	Root() merkle.Hash
	AppendProof(proof []merkle.Hash, sample uint64) ([]merkle.Hash, error)
}

// Dataset is the samples of a job: in memory, or wherever Samples says.
type Dataset struct {
	data Data
	from Samples
}

// DatasetOf is the samples of a layout that lie somewhere.
func DatasetOf(layout Layout, samples uint64, from Samples) (*Dataset, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	if samples < 1 || samples > MaxRows {
		return nil, fault.New(fault.TooLarge, "", "", "%d samples, 1 to %d are those of a data set", samples, uint64(MaxRows))
	}
	return &Dataset{data: Data{Samples: samples, Layout: layout, Root: from.Root()}, from: from}, nil
}

// NewDataset takes two buffers of whole rows: x, the only input, and y. The specifications have the number of rows as their
// first dimension; their names do not matter.
func NewDataset(x program.TensorSpec, xs kernels.Buf, y program.TensorSpec, ys kernels.Buf) (*Dataset, error) {
	x.Name, y.Name = "x", "y"
	return NewDatasetOf([]program.TensorSpec{x, y}, []kernels.Buf{xs, ys})
}

// NewDatasetOf takes a buffer of whole rows for each tensor, in the order of a data set.
func NewDatasetOf(specs []program.TensorSpec, bufs []kernels.Buf) (*Dataset, error) {
	if len(bufs) != len(specs) {
		return nil, fault.New(fault.WrongType, "", "", "%d tensors in %d buffers", len(specs), len(bufs))
	}
	var tensors []Stored
	var rows [][]byte
	for i, t := range specs {
		if len(t.Shape) == 0 {
			return nil, wrongTensor(t.Name, "no dimension for the rows")
		}
		n, other, stored := len(bufs[i].F), len(bufs[i].I), Stored{Name: t.Name, DType: safetensors.F32, Shape: t.Shape[1:]}
		if t.Kind == kernels.I32 {
			n, other, stored.DType = other, n, safetensors.I32
		}
		if n != t.Len() || other != 0 {
			return nil, wrongTensor(t.Name, "%d elements, %v of shape %v needs %d", n, t.Kind, t.Shape, t.Len())
		}
		if want := specs[0].Shape[0]; t.Shape[0] != want || want < 1 {
			return nil, fault.New(fault.WrongType, "", "", "tensor %q has %d rows and tensor %q has %d", specs[0].Name, want, t.Name, t.Shape[0])
		}
		tensors = append(tensors, stored)
		rows = append(rows, little.Append(little.Append(nil, bufs[i].F), bufs[i].I))
	}
	return NewStored(Layout{Tensors: tensors}, rows)
}

// NewStored takes the rows of each stored tensor, one after another, in memory that it keeps.
func NewStored(layout Layout, rows [][]byte) (*Dataset, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	m := memory{widths: layout.Widths(), rows: rows}
	n := len(rows[0]) / m.widths[0]
	for i, w := range m.widths {
		if len(rows) != len(m.widths) || len(rows[i]) != n*w {
			return nil, fault.New(fault.WrongType, "", "", "tensors of different numbers of rows")
		}
	}
	leaves, hasher := make([]merkle.Hash, n), layout.Hasher()
	for i := range leaves {
		leaves[i] = hasher.Leaf(rows, i)
	}
	m.Tree = merkle.NewTree(leaves)
	return DatasetOf(layout, uint64(n), &m)
}

// memory holds samples.
type memory struct {
	*merkle.Tree
	widths []int
	rows   [][]byte
}

// Read implements Samples.
func (m *memory) Read(to [][]byte, sample uint64) error {
	for k, n := range m.widths {
		copy(to[k], m.rows[k][int(sample)*n:][:n])
	}
	return nil
}

// Leaf implements Samples.
func (m *memory) Leaf(sample uint64) (merkle.Hash, error) { return m.Tree.Leaf(sample), nil }

// Place implements Samples.
func (m *memory) Place(uint64) string { return "" }

// ReadDataset reads a safetensors file of at most limit bytes that holds exactly the tensors of a data set, in any order,
// of type F32, I32, U16 or U8.
func ReadDataset(path string, limit int64) (*Dataset, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in, err := safetensors.NewReader(f, path, limit)
	if err != nil {
		return nil, err
	}
	layout, n, err := LayoutOf(in.Tensors())
	if err != nil {
		return nil, fault.In(path, err)
	}
	rows := layout.Batch(n)
	for _, t := range in.Tensors() {
		k := slices.IndexFunc(layout.Tensors, func(s Stored) bool { return s.Name == t.Name })
		if err := in.Bytes(rows[k]); err != nil {
			return nil, err
		}
	}
	if err := in.Close(); err != nil {
		return nil, err
	}
	d, err := NewStored(layout, rows)
	return d, fault.In(path, err)
}

// LayoutOf is the layout of tensors whose first dimension is the rows, in any order, and their number of rows.
func LayoutOf(infos []safetensors.Info) (l Layout, rows int, err error) {
	if n := len(infos); n > MaxTensors {
		return l, 0, fault.New(fault.WrongType, "", "", "%d tensors, at most %d are those of a data set", n, MaxTensors)
	}
	infos = slices.Clone(infos)
	slices.SortFunc(infos, func(a, b safetensors.Info) int { return strings.Compare(a.Name, b.Name) }) // "y" is behind all that begin with "x"
	several := slices.ContainsFunc(infos, func(i safetensors.Info) bool { return strings.HasPrefix(i.Name, "x/") })
	for _, name := range []string{"x", "y"} {
		has := slices.ContainsFunc(infos, func(i safetensors.Info) bool { return i.Name == name })
		if !has && (name == "y" || !several) {
			return l, 0, fault.New(fault.WrongType, "", "", "tensor %q is missing", name)
		}
	}
	if !several && len(infos) != 2 {
		return l, 0, fault.New(fault.WrongType, "", "", "%d tensors, 2 are needed", len(infos))
	}
	for _, i := range infos {
		if len(i.Shape) == 0 {
			return l, 0, wrongTensor(i.Name, "no dimension for the rows")
		}
		if i.Shape[0] != infos[0].Shape[0] {
			return l, 0, fault.New(fault.WrongType, "", "", "tensor %q has %d rows and tensor %q has %d", infos[0].Name, infos[0].Shape[0], i.Name, i.Shape[0])
		}
		l.Tensors = append(l.Tensors, Stored{Name: i.Name, DType: i.DType, Shape: i.Shape[1:]})
	}
	if err := l.Check(); err != nil {
		return l, 0, err
	}
	return l, infos[0].Shape[0], nil
}

func wrongTensor(name, format string, args ...any) error {
	return fault.New(fault.WrongType, "", fmt.Sprintf("tensor %q", name), format, args...)
}

// Samples is the number of samples.
func (d *Dataset) Samples() int { return int(d.data.Samples) }

// Data is what a job says of the samples.
func (d *Dataset) Data() Data { return d.data }

// Layout is how the samples are stored. It is read-only.
func (d *Dataset) Layout() *Layout { return &d.data.Layout }

// Fits returns an error unless the samples are what a plan reads.
func (d *Dataset) Fits(plan *program.Plan) error { return d.data.Layout.Fits(plan) }

// Read copies samples as they are stored to a batch with a row for each id.
func (d *Dataset) Read(batch [][]byte, ids []int64) error {
	widths := d.data.Layout.Widths()
	if len(batch) != len(widths) {
		return fmt.Errorf("data: %d buffers for %d tensors", len(batch), len(widths))
	}
	for k, n := range widths {
		if len(batch[k]) != n*len(ids) {
			return fmt.Errorf("data: buffers do not have %d rows", len(ids))
		}
	}
	row := make([][]byte, len(widths))
	for i, id := range ids {
		if id < 0 || uint64(id) >= d.data.Samples {
			return fault.New(fault.OutOfRange, "data", "", "sample %d of %d", id, d.data.Samples)
		}
		for k, n := range widths {
			row[k] = batch[k][i*n : (i+1)*n]
		}
		if err := d.from.Read(row, uint64(id)); err != nil {
			return err
		}
	}
	return nil
}

// Fill copies samples into rows, a buffer for each tensor that a program reads, with as many rows as there are ids.
func (d *Dataset) Fill(rows []kernels.Buf, ids []int64) error {
	batch := d.data.Layout.Batch(len(ids))
	if err := d.Read(batch, ids); err != nil {
		return err
	}
	return d.data.Layout.Unpacker().Unpack(rows, batch)
}

// Check refuses samples that are not those that were committed to.
func (d *Dataset) Check(leaves []merkle.Hash, ids []int64) error {
	for i, id := range ids {
		want, err := d.from.Leaf(uint64(id))
		if err != nil {
			return err
		}
		if leaves[i] != want {
			return fault.New(fault.WrongDigest, d.from.Place(uint64(id)), fmt.Sprintf("sample %d", id),
				"hash %v, it was committed with %v: the file was changed, or is another one", leaves[i], want)
		}
	}
	return nil
}

// Root is the root of the tree over the leaves of all samples: what a job commits to.
func (d *Dataset) Root() merkle.Hash { return d.data.Root }

// AppendProof appends the inclusion proof of a sample, the sibling nearest to the leaf first.
func (d *Dataset) AppendProof(proof []merkle.Hash, sample uint64) ([]merkle.Hash, error) {
	return d.from.AppendProof(proof, sample)
}
