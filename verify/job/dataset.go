package job

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Dataset is the samples of a job in memory: row i of X with row i of Y is sample i.
type Dataset struct {
	x, y    program.TensorSpec // with the rows as first dimension
	xs, ys  kernels.Buf
	samples int
}

// NewDataset takes two buffers of whole rows. The specifications have the number of rows as their first
// dimension.
func NewDataset(x program.TensorSpec, xs kernels.Buf, y program.TensorSpec, ys kernels.Buf) (*Dataset, error) {
	for _, t := range []struct {
		name string
		spec program.TensorSpec
		buf  kernels.Buf
	}{{"x", x, xs}, {"y", y, ys}} {
		if len(t.spec.Shape) == 0 {
			return nil, wrongTensor(t.name, "no dimension for the rows")
		}
		n, other := len(t.buf.F), len(t.buf.I)
		if t.spec.Kind == kernels.I32 {
			n, other = other, n
		}
		if n != t.spec.Len() || other != 0 {
			return nil, wrongTensor(t.name, "%d elements, %v of shape %v needs %d", n, t.spec.Kind, t.spec.Shape, t.spec.Len())
		}
	}
	if x.Shape[0] != y.Shape[0] || x.Shape[0] < 1 {
		return nil, fault.New(fault.WrongType, "", "", "tensor %q has %d rows and tensor %q has %d", "x", x.Shape[0], "y", y.Shape[0])
	}
	return &Dataset{x: x, y: y, xs: xs, ys: ys, samples: x.Shape[0]}, nil
}

// ReadDataset reads a safetensors file of at most limit bytes that holds exactly the tensors "x" and "y",
// of type F32 or I32.
func ReadDataset(path string, limit int64) (*Dataset, error) {
	f, err := safetensors.ReadFile(path, limit)
	if err != nil {
		return nil, err
	}
	var specs [2]program.TensorSpec
	var bufs [2]kernels.Buf
	for i, name := range []string{"x", "y"} {
		t, ok := f.Tensor(name)
		if !ok {
			return nil, fault.New(fault.WrongType, path, "", "tensor %q is missing", name)
		}
		specs[i] = program.TensorSpec{Name: name, Shape: t.Shape}
		switch t.Info().DType {
		case safetensors.F32:
			bufs[i].F = t.F32
		case safetensors.I32:
			specs[i].Kind, bufs[i].I = kernels.I32, t.I32
		default:
			return nil, fault.In(path, wrongTensor(name, "dtype %s, F32 or I32 is needed", t.Info().DType))
		}
	}
	if len(f.Tensors) != 2 {
		return nil, fault.New(fault.WrongType, path, "", "%d tensors, 2 are needed", len(f.Tensors))
	}
	d, err := NewDataset(specs[0], bufs[0], specs[1], bufs[1])
	if err != nil {
		return nil, fault.In(path, err)
	}
	return d, nil
}

func wrongTensor(name, format string, args ...any) error {
	return fault.New(fault.WrongType, "", fmt.Sprintf("tensor %q", name), format, args...)
}

// Samples is the number of samples.
func (d *Dataset) Samples() int { return d.samples }

// Fits returns an error unless the rows are those that a plan reads.
func (d *Dataset) Fits(plan *program.Plan) error {
	for _, t := range []struct {
		name      string
		got, want program.TensorSpec
	}{{"x", d.x, plan.X()}, {"y", d.y, plan.Y()}} {
		if t.got.Kind != t.want.Kind || !slices.Equal(t.got.Shape[1:], t.want.Shape[1:]) {
			return fault.New(fault.WrongType, "data", "", "tensor %q has rows of %v %v, the program reads %v %v",
				t.name, t.got.Kind, t.got.Shape[1:], t.want.Kind, t.want.Shape[1:])
		}
	}
	return nil
}

// Fill copies samples into the rows of x and y, which have as many rows as there are ids.
func (d *Dataset) Fill(x, y kernels.Buf, ids []int64) error {
	for _, b := range [][2]kernels.Buf{{x, d.xs}, {y, d.ys}} {
		if len(b[0].F) != len(b[1].F)/d.samples*len(ids) || len(b[0].I) != len(b[1].I)/d.samples*len(ids) {
			return fmt.Errorf("data: buffers do not have %d rows", len(ids))
		}
	}
	for i, id := range ids {
		if id < 0 || id >= int64(d.samples) {
			return fault.New(fault.OutOfRange, "data", "", "sample %d of %d", id, d.samples)
		}
		copyRow(x, d.xs, i, int(id), d.samples)
		copyRow(y, d.ys, i, int(id), d.samples)
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
		leaves[i] = s.Leaf(d.xs, d.ys, i, d.samples)
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

// Leaf returns the leaf hash of row i of buffers of so many rows. A sample's record is its version,
// then for x and for y the kind, the number of elements and the elements, little-endian.
func (s *SampleHasher) Leaf(x, y kernels.Buf, i, rows int) merkle.Hash {
	s.sha.Reset()
	s.buf = append(s.buf[:0], 0) // RFC 6962's prefix of leaves
	s.buf = append(s.buf, "verifyd-sample/1"...)
	s.row(x, i, rows)
	s.row(y, i, rows)
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
