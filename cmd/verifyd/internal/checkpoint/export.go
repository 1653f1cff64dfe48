package checkpoint

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Export is how tensors are written for PyTorch.
type Export struct {
	DType safetensors.DType // F32; or F16 or BF16, to which numbers are rounded to the nearest, to even where two are
	Ties  []program.Tie     // each is written under its own name, too
	Slots bool              // write the optimizer's slots, under their names in a state
}

// Exported is a tensor that is written, and where it comes from.
type Exported struct {
	Name string
	From *Tensor
}

// Exports lists what an export of verifyd's files writes: parameters and buffers under PyTorch's names, those of the first file
// that has them. Slots that are not written come back as left.
func Exports(files []*Checkpoint, o Export) (list []Exported, left []Left, err error) {
	at := make(map[string]*Tensor)
	for _, c := range files {
		mine := make(map[string]bool)
		for _, t := range c.Tensors {
			if t.DType != safetensors.F32 {
				return nil, nil, t.fail(fault.WrongType, "of type %s: no file of verifyd's", t.DType)
			}
			name := t.Name
			if c.isState() {
				kind, rest, ok := strings.Cut(name, "/")
				switch {
				case ok && (kind == "param" || kind == "buffer"):
					name = rest
				case ok && kind == "opt" && o.Slots:
				case ok && kind == "opt":
					left = append(left, Left{t, rest})
					continue
				default:
					return nil, nil, t.fail(fault.WrongType, "no parameter, slot or buffer of a state")
				}
			}
			if mine[name] {
				return nil, nil, t.fail(fault.WrongType, "%q is given twice", name)
			}
			mine[name] = true
			if at[name] == nil {
				at[name] = t
				list = append(list, Exported{name, t})
			}
		}
	}
	for _, tie := range o.Ties {
		switch t := at[tie.As]; {
		case t == nil:
			return nil, nil, fault.New(fault.WrongType, "", "", "%q is tied to %q, which no file has", tie.Name, tie.As)
		case at[tie.Name] != nil:
			return nil, nil, at[tie.Name].fail(fault.WrongType, "tied to %q, and both are there", tie.As)
		default:
			at[tie.Name] = t
			list = append(list, Exported{tie.Name, t})
		}
	}
	return list, left, nil
}

// isState says whether the first file is a state: its tensors have kinds.
func (c *Checkpoint) isState() bool { return c.Metadata["cursor"] != "" }

// Write writes a file that PyTorch reads.
func (o Export) Write(w io.Writer, list []Exported, files []*Checkpoint) error {
	infos := make([]safetensors.Info, len(list))
	for i, e := range list {
		infos[i] = safetensors.Info{Name: e.Name, DType: o.DType, Shape: e.From.Shape}
	}
	if err := safetensors.WriteLayout(w, map[string]string{"format": "pt"}, infos, sizeOf); err != nil {
		return fault.New(fault.WrongType, "", "", "%w", err)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	x, buf, packed := make([]float32, block), make([]byte, 4*block), make([]byte, 0, 4*block)
	for _, e := range list {
		n, err := e.From.Count()
		if err != nil {
			return err
		}
		for from := 0; from < n; from += block {
			part := x[:min(block, n-from)]
			if err := e.From.read(from, part, buf); err != nil {
				return err
			}
			bad := -1
			if packed, bad = narrow(packed[:0], part, o.DType); bad >= 0 {
				return e.From.fail(fault.OutOfRange, "element %d is %v, which overflows %s", from+bad, part[bad], o.DType)
			}
			if _, err := out.Write(packed); err != nil {
				return fmt.Errorf("tensor %q: %w", e.Name, err)
			}
		}
	}
	for _, c := range files {
		for _, f := range c.files {
			if err := f.unchanged(); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}
