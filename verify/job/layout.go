package job

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// The limits of a layout.
const (
	MaxTensors  = 65      // of a data set
	MaxRow      = 1 << 30 // bytes of a sample
	MaxChannels = 1 << 12 // with a normalisation of their own
	MaxWindows  = 1 << 32 // tokens between two windows
)

// TokensName is the tensor of a sample of tokens.
const TokensName = "tokens"

// Layout says how the samples of a data set are stored and what a program reads of them: tensors, or windows of tokens.
type Layout struct {
	Tensors []Stored `json:"tensors,omitempty"`
	Tokens  *Tokens  `json:"tokens,omitempty"`
}

// Stored is a tensor as a data set stores its rows: "x" or, where there are several inputs, "x/NAME" of each in ascending order,
// and the labels, "y". F32 and I32 are read as they are, U8 and U16 as int32, or normalised.
type Stored struct {
	Name  string            `json:"name"`
	DType safetensors.DType `json:"dtype"`
	Shape []int             `json:"shape"` // of a row
	// Scale and Offset normalise elements of U8 or U16: float32(v*Scale) + Offset, in binary32, of each channel, which is an index
	// of the first dimension; or of all elements, if there is one of each.
	Scale  []float32 `json:"scale,omitempty"`
	Offset []float32 `json:"offset,omitempty"`
}

// Tokens are windows of a stream: sample i of a file is its tokens i*Stride to i*Stride + Context, of which all but the last are x
// and all but the first y.
type Tokens struct {
	DType   safetensors.DType `json:"dtype"` // U16 or I32
	Context uint64            `json:"context"`
	Stride  uint64            `json:"stride"`
}

// Check returns an error that names the field unless the layout is one that can be kept.
func (l *Layout) Check() error {
	if t := l.Tokens; t != nil {
		switch {
		case len(l.Tensors) > 0:
			return fault.New(fault.WrongType, "", "tokens", "beside tensors")
		case t.DType != safetensors.U16 && t.DType != safetensors.I32:
			return fault.New(fault.WrongType, "", "tokens.dtype", "%.20q, U16 or I32 is needed", string(t.DType))
		case t.Context < 1 || t.Context >= MaxRow/4:
			return fault.New(fault.WrongType, "", "tokens.context", "%d is outside 1 to %d", t.Context, MaxRow/4-1)
		case t.Stride < 1 || t.Stride > MaxWindows:
			return fault.New(fault.WrongType, "", "tokens.stride", "%d is outside 1 to %d", t.Stride, uint64(MaxWindows))
		}
		return nil
	}
	if n := len(l.Tensors); n < 2 || n > MaxTensors {
		return fault.New(fault.WrongType, "", "tensors", "%d, 2 to %d are needed", n, MaxTensors)
	}
	total := int64(0)
	for i := range l.Tensors {
		t := &l.Tensors[i]
		if err := wellNamed(l.Tensors, i); err != nil {
			return err
		}
		n, err := t.check()
		if err != nil {
			return fault.Under(tensorField(t.Name), err)
		}
		if total += n; total > MaxRow {
			return fault.New(fault.WrongType, "", "tensors", "a sample of %d bytes, the limit is %d", total, MaxRow)
		}
	}
	return nil
}

// check returns the bytes of a row.
func (t *Stored) check() (int64, error) {
	small := t.DType == safetensors.U8 || t.DType == safetensors.U16
	if !small && t.DType != safetensors.F32 && t.DType != safetensors.I32 {
		return 0, fault.New(fault.WrongType, "", "dtype", "%.20q, F32, I32, U16 or U8 is needed", string(t.DType))
	}
	if t.Shape == nil { // another spelling of no dimensions
		return 0, fault.New(fault.WrongType, "", "shape", "null")
	}
	if len(t.Shape) >= safetensors.MaxRank {
		return 0, fault.New(fault.WrongType, "", "shape", "%d dimensions, the limit is %d", len(t.Shape), safetensors.MaxRank-1)
	}
	n := t.DType.Size()
	for _, d := range t.Shape {
		if d < 1 || int64(d) > MaxRow/n {
			return 0, fault.New(fault.WrongType, "", "shape", "%v: rows of 1 to %d bytes are needed", t.Shape, MaxRow)
		}
		n *= int64(d)
	}
	c := len(t.Scale)
	switch {
	case c != len(t.Offset):
		return 0, fault.New(fault.WrongType, "", "scale", "%d, and %d offsets", c, len(t.Offset))
	case c > 0 && !small:
		return 0, fault.New(fault.WrongType, "", "scale", "of %s: U8 or U16 is normalised", t.DType)
	case c > MaxChannels, c > 1 && (len(t.Shape) == 0 || c != t.Shape[0]):
		return 0, fault.New(fault.WrongType, "", "scale", "%d, 1 or one for each index of the first dimension of %v is needed, %d at most", c, t.Shape, MaxChannels)
	}
	for i, v := range slices.Concat(t.Scale, t.Offset) {
		if v64 := float64(v); math.IsNaN(v64) || math.IsInf(v64, 0) {
			return 0, fault.New(fault.WrongType, "", "scale", "number %d of scale and offset is not finite", i)
		}
	}
	return n, nil
}

// wellNamed refuses tensors that are not those of a data set in their order.
func wellNamed(all []Stored, i int) error {
	name := all[i].Name
	switch {
	case i == len(all)-1 && name != "y":
		return wrongTensor(name, "the last one must be \"y\"")
	case i == len(all)-1, len(all) == 2 && name == "x":
		return nil
	case len(all) == 2:
		return wrongTensor(name, "an only input must be \"x\"")
	case !strings.HasPrefix(name, "x/") || i > 0 && name <= all[i-1].Name:
		return wrongTensor(name, "inputs must be \"x/NAME\", each once, in ascending order")
	}
	return nil
}

// Stored are the tensors that a sample is stored as.
func (l *Layout) Stored() []Stored {
	if t := l.Tokens; t != nil {
		return []Stored{{Name: TokensName, DType: t.DType, Shape: []int{int(t.Context) + 1}}}
	}
	return l.Tensors
}

// Widths are the bytes of a row of each stored tensor.
func (l *Layout) Widths() []int {
	var all []int
	for _, t := range l.Stored() {
		n := int(t.DType.Size())
		for _, d := range t.Shape {
			n *= d
		}
		all = append(all, n)
	}
	return all
}

// Infos describe so many rows of the stored tensors.
func (l *Layout) Infos(prefix string, rows int) []safetensors.Info {
	var all []safetensors.Info
	for _, t := range l.Stored() {
		all = append(all, safetensors.Info{Name: prefix + t.Name, DType: t.DType, Shape: append([]int{rows}, t.Shape...)})
	}
	return all
}

// Reads are the tensors that a program reads of a sample, in the order of a plan's Rows, with the shapes of a row.
func (l *Layout) Reads() []program.TensorSpec {
	if t := l.Tokens; t != nil {
		row := []int{int(t.Context)}
		return []program.TensorSpec{{Name: "x", Kind: kernels.I32, Shape: row}, {Name: "y", Kind: kernels.I32, Shape: row}}
	}
	var all []program.TensorSpec
	for _, t := range l.Tensors {
		kind := kernels.I32
		if t.DType == safetensors.F32 || len(t.Scale) > 0 {
			kind = kernels.F32
		}
		all = append(all, program.TensorSpec{Name: t.Name, Kind: kind, Shape: t.Shape})
	}
	return all
}

// LayoutFor is the layout of samples that are stored as a plan reads them.
func LayoutFor(plan *program.Plan) (l Layout) {
	for _, t := range plan.Rows() {
		dtype := safetensors.F32
		if t.Kind == kernels.I32 {
			dtype = safetensors.I32
		}
		l.Tensors = append(l.Tensors, Stored{Name: t.Name, DType: dtype, Shape: t.Shape[1:]})
	}
	return l
}

// Fits returns an error unless the samples are what a plan reads.
func (l *Layout) Fits(plan *program.Plan) error {
	wanted, read := plan.Rows(), l.Reads()
	if len(wanted) != len(read) {
		return fault.New(fault.WrongType, "data", "", "%d tensors, the program reads %d", len(read), len(wanted))
	}
	for i, want := range wanted {
		got := read[i]
		if got.Name != want.Name {
			return fault.New(fault.WrongType, "data", "", "tensor %q, the program reads %q", got.Name, want.Name)
		}
		if got.Kind != want.Kind || !slices.Equal(got.Shape, want.Shape[1:]) {
			return fault.New(fault.WrongType, "data", "", "tensor %q has rows of %v %v, the program reads %v %v",
				got.Name, got.Kind, got.Shape, want.Kind, want.Shape[1:])
		}
	}
	return nil
}

// Equal says whether two layouts are the same.
func (l *Layout) Equal(other *Layout) bool { return l.digest() == other.digest() }

// digest is what each leaf of a data set begins with, so that its root commits to the layout.
func (l *Layout) digest() merkle.Hash {
	b := []byte("verifyd-layout/1")
	if t := l.Tokens; t != nil {
		b = append(b, 1, kindOf(t.DType))
		b = binary.LittleEndian.AppendUint64(b, t.Context)
		return sha256.Sum256(binary.LittleEndian.AppendUint64(b, t.Stride))
	}
	b = append(b, 0)
	for _, t := range l.Tensors {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(t.Name)))
		b = append(append(b, t.Name...), kindOf(t.DType), byte(len(t.Shape)))
		for _, d := range t.Shape {
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Scale)))
		for _, v := range slices.Concat(t.Scale, t.Offset) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	return sha256.Sum256(b)
}

// kindOf is the byte that stands for an element type.
func kindOf(t safetensors.DType) byte {
	return byte(slices.Index([]safetensors.DType{safetensors.F32, safetensors.I32, safetensors.U8, safetensors.U16}, t))
}

func tensorField(name string) string { return "tensor " + quote(name) }
