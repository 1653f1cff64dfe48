package job

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Dataset is the samples of a job in memory: row i of each of its tensors is sample i. They are the program's inputs, "x" or where
// it has several "x/NAME" of each in ascending order, and the labels, "y".
type Dataset struct {
	specs   []program.TensorSpec // with the rows as first dimension; y last
	bufs    []kernels.Buf
	samples int
}

// MaxTensors is the largest number of tensors in a data set.
const MaxTensors = 65

// NewDataset takes two buffers of whole rows: x, the only input, and y. The specifications have the number of rows as their
// first dimension; their names do not matter.
func NewDataset(x program.TensorSpec, xs kernels.Buf, y program.TensorSpec, ys kernels.Buf) (*Dataset, error) {
	x.Name, y.Name = "x", "y"
	return NewDatasetOf([]program.TensorSpec{x, y}, []kernels.Buf{xs, ys})
}

// NewDatasetOf takes a buffer of whole rows for each tensor, in the order of a Dataset.
func NewDatasetOf(specs []program.TensorSpec, bufs []kernels.Buf) (*Dataset, error) {
	if len(specs) < 2 || len(specs) > MaxTensors || len(bufs) != len(specs) {
		return nil, fault.New(fault.WrongType, "", "", "%d tensors, 2 to %d are needed", len(specs), MaxTensors)
	}
	for i, t := range specs {
		if err := wellNamed(specs, i); err != nil {
			return nil, err
		}
		if len(t.Shape) == 0 {
			return nil, wrongTensor(t.Name, "no dimension for the rows")
		}
		n, other := len(bufs[i].F), len(bufs[i].I)
		if t.Kind == kernels.I32 {
			n, other = other, n
		}
		if n != t.Len() || other != 0 {
			return nil, wrongTensor(t.Name, "%d elements, %v of shape %v needs %d", n, t.Kind, t.Shape, t.Len())
		}
		if rows := specs[0].Shape[0]; t.Shape[0] != rows || rows < 1 {
			return nil, fault.New(fault.WrongType, "", "", "tensor %q has %d rows and tensor %q has %d", specs[0].Name, rows, t.Name, t.Shape[0])
		}
	}
	return &Dataset{specs: specs, bufs: bufs, samples: specs[0].Shape[0]}, nil
}

// wellNamed refuses tensors that are not those of a data set in their order.
func wellNamed(specs []program.TensorSpec, i int) error {
	name := specs[i].Name
	switch {
	case i == len(specs)-1 && name != "y":
		return wrongTensor(name, "the last one must be \"y\"")
	case i == len(specs)-1, len(specs) == 2 && name == "x":
		return nil
	case len(specs) == 2:
		return wrongTensor(name, "an only input must be \"x\"")
	case !strings.HasPrefix(name, "x/") || i > 0 && name <= specs[i-1].Name:
		return wrongTensor(name, "inputs must be \"x/NAME\", each once, in ascending order")
	}
	return nil
}

// ReadDataset reads a safetensors file of at most limit bytes that holds exactly the tensors of a data set, in any order,
// of type F32 or I32.
func ReadDataset(path string, limit int64) (*Dataset, error) {
	f, err := safetensors.ReadFile(path, limit)
	if err != nil {
		return nil, err
	}
	names, err := tensorsOf(f)
	if err != nil {
		return nil, fault.In(path, err)
	}
	var specs []program.TensorSpec
	var bufs []kernels.Buf
	for _, name := range names {
		t, _ := f.Tensor(name)
		spec, buf := program.TensorSpec{Name: name, Shape: t.Shape}, kernels.Buf{}
		switch t.Info().DType {
		case safetensors.F32:
			buf.F = t.F32
		case safetensors.I32:
			spec.Kind, buf.I = kernels.I32, t.I32
		default:
			return nil, fault.In(path, wrongTensor(name, "dtype %s, F32 or I32 is needed", t.Info().DType))
		}
		specs, bufs = append(specs, spec), append(bufs, buf)
	}
	d, err := NewDatasetOf(specs, bufs)
	if err != nil {
		return nil, fault.In(path, err)
	}
	return d, nil
}

// tensorsOf are the names in a file in the order of a data set.
func tensorsOf(f *safetensors.File) ([]string, error) {
	if n := len(f.Tensors); n > MaxTensors {
		return nil, fault.New(fault.WrongType, "", "", "%d tensors, at most %d are those of a data set", n, MaxTensors)
	}
	var names []string
	several := false
	for _, t := range f.Tensors {
		several = several || strings.HasPrefix(t.Name, "x/")
		names = append(names, t.Name)
	}
	slices.Sort(names) // "y" is behind all that begin with "x"
	for _, name := range []string{"x", "y"} {
		if !slices.Contains(names, name) && (name == "y" || !several) {
			return nil, fault.New(fault.WrongType, "", "", "tensor %q is missing", name)
		}
	}
	if !several && len(names) != 2 {
		return nil, fault.New(fault.WrongType, "", "", "%d tensors, 2 are needed", len(names))
	}
	return names, nil
}

func wrongTensor(name, format string, args ...any) error {
	return fault.New(fault.WrongType, "", fmt.Sprintf("tensor %q", name), format, args...)
}

// Samples is the number of samples.
func (d *Dataset) Samples() int { return d.samples }

// Fits returns an error unless the rows are those that a plan reads.
func (d *Dataset) Fits(plan *program.Plan) error {
	wanted := plan.Rows()
	if len(wanted) != len(d.specs) {
		return fault.New(fault.WrongType, "data", "", "%d tensors, the program reads %d", len(d.specs), len(wanted))
	}
	for i, want := range wanted {
		got := d.specs[i]
		if got.Name != want.Name {
			return fault.New(fault.WrongType, "data", "", "tensor %q, the program reads %q", got.Name, want.Name)
		}
		if got.Kind != want.Kind || !slices.Equal(got.Shape[1:], want.Shape[1:]) {
			return fault.New(fault.WrongType, "data", "", "tensor %q has rows of %v %v, the program reads %v %v",
				got.Name, got.Kind, got.Shape[1:], want.Kind, want.Shape[1:])
		}
	}
	return nil
}

// Fill copies samples into rows, a buffer for each tensor with as many rows as there are ids.
func (d *Dataset) Fill(rows []kernels.Buf, ids []int64) error {
	if len(rows) != len(d.bufs) {
		return fmt.Errorf("data: %d buffers for %d tensors", len(rows), len(d.bufs))
	}
	for k, b := range d.bufs {
		if len(rows[k].F) != len(b.F)/d.samples*len(ids) || len(rows[k].I) != len(b.I)/d.samples*len(ids) {
			return fmt.Errorf("data: buffers do not have %d rows", len(ids))
		}
	}
	for i, id := range ids {
		if id < 0 || id >= int64(d.samples) {
			return fault.New(fault.OutOfRange, "data", "", "sample %d of %d", id, d.samples)
		}
		for k, b := range d.bufs {
			copyRow(rows[k], b, i, int(id), d.samples)
		}
	}
	return nil
}

func copyRow(dst, src kernels.Buf, to, from, samples int) {
	n, m := len(src.F)/samples, len(src.I)/samples
	copy(dst.F[to*n:(to+1)*n], src.F[from*n:(from+1)*n])
	copy(dst.I[to*m:(to+1)*m], src.I[from*m:(from+1)*m])
}

// Tree builds the tree whose root a job commits to: one leaf for each sample.
func (d *Dataset) Tree() *merkle.Tree {
	s := NewSampleHasher()
	leaves := make([]merkle.Hash, d.samples)
	for i := range leaves {
		leaves[i] = s.Leaf(d.bufs, i, d.samples)
	}
	return merkle.NewTree(leaves)
}

// SampleHasher computes the leaf hashes of samples, without allocating on little-endian machines. It
// serves one goroutine at a time.
type SampleHasher struct {
	sha hash.Hash
	buf []byte
}

// NewSampleHasher returns a SampleHasher.
func NewSampleHasher() *SampleHasher { return &SampleHasher{sha: sha256.New()} }

// Leaf returns the leaf hash of row i of a data set's buffers of so many rows. A sample's record is its version,
// then for each tensor the kind, the number of elements and the elements, little-endian.
func (s *SampleHasher) Leaf(bufs []kernels.Buf, i, rows int) merkle.Hash {
	s.sha.Reset()
	s.buf = append(s.buf[:0], 0) // RFC 6962's prefix of leaves
	s.buf = append(s.buf, "verifyd-sample/1"...)
	for _, b := range bufs {
		s.row(b, i, rows)
	}
	s.sha.Write(s.buf)
	s.buf = s.sha.Sum(s.buf[:0])
	return merkle.Hash(s.buf)
}

func (s *SampleHasher) row(b kernels.Buf, i, rows int) {
	if len(b.I) > 0 {
		n := len(b.I) / rows
		s.head(kernels.I32, n)
		s.buf = little.Append(s.buf, b.I[i*n:(i+1)*n])
		return
	}
	n := len(b.F) / rows
	s.head(kernels.F32, n)
	s.buf = little.Append(s.buf, b.F[i*n:(i+1)*n])
}

func (s *SampleHasher) head(k kernels.Kind, n int) {
	s.buf = append(s.buf, byte(k))
	s.buf = binary.LittleEndian.AppendUint32(s.buf, uint32(n))
}

// BatchRoot is the root over the leaf hashes of a step's rows, in their order.
func BatchRoot(leaves []merkle.Hash) merkle.Hash { return merkle.Root(leaves) }
