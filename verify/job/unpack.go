package job

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Batch is memory for so many samples as they are stored: the rows of each stored tensor one after another.
func (l *Layout) Batch(rows int) [][]byte {
	var all [][]byte
	for _, n := range l.Widths() {
		all = append(all, make([]byte, n*rows))
	}
	return all
}

// Unpacker turns stored samples into what a program reads. It allocates nothing after it was made.
type Unpacker struct {
	*Layout
	widths, reads []int // bytes of a row as it is stored, elements of one as it is read
}

// Unpacker is for samples of this layout.
func (l *Layout) Unpacker() *Unpacker {
	u := &Unpacker{Layout: l, widths: l.Widths()}
	for _, spec := range l.Reads() {
		u.reads = append(u.reads, spec.Len())
	}
	return u
}

// Unpack fills a buffer for each tensor of Reads from stored samples. Every rounding of a normalisation is in binary32: v as a
// float32, which is exact; the product; the sum.
func (l *Unpacker) Unpack(to []kernels.Buf, batch [][]byte) error {
	if len(batch) != len(l.widths) || len(to) != len(l.reads) {
		return fmt.Errorf("data: %d buffers for %d tensors, of %d stored", len(to), len(l.reads), len(batch))
	}
	rows := len(batch[0]) / l.widths[0]
	for i, b := range to {
		if from := min(i, len(batch)-1); len(b.F)+len(b.I) != l.reads[i]*rows || len(batch[from])/l.widths[from] != rows {
			return fmt.Errorf("data: buffers do not have %d rows", rows)
		}
	}
	if l.Tokens != nil {
		l.unpackTokens(to[0].I, to[1].I, batch[0], rows)
		return nil
	}
	for i := range l.Tensors {
		l.Tensors[i].unpack(to[i], batch[i])
	}
	return nil
}

func (l *Layout) unpackTokens(x, y []int32, from []byte, rows int) {
	n, width := int(l.Tokens.Context), int(l.Tokens.DType.Size())
	for r := range rows {
		window := from[r*(n+1)*width:][:(n+1)*width]
		xs, ys := x[r*n:][:n], y[r*n:][:n]
		if l.Tokens.DType == safetensors.U16 {
			widen16(xs, window)
			widen16(ys, window[2:])
			continue
		}
		take(xs, window)
		take(ys, window[4:])
	}
}

// take copies little-endian numbers.
func take[T float32 | int32](to []T, from []byte) {
	copy(little.View(to), from)
	little.Swap(to)
}

func widen16(to []int32, from []byte) {
	for i := range to {
		to[i] = int32(binary.LittleEndian.Uint16(from[2*i:]))
	}
}

// unpack turns the rows of one tensor.
func (t *Stored) unpack(to kernels.Buf, from []byte) {
	switch {
	case t.DType == safetensors.F32:
		take(to.F, from)
	case t.DType == safetensors.I32:
		take(to.I, from)
	case len(t.Scale) > 0:
		t.normalise(to.F, from)
	case t.DType == safetensors.U16:
		widen16(to.I, from)
	default:
		for i, v := range from {
			to.I[i] = int32(v)
		}
	}
}

// normalise turns elements into numbers, the channels one after another in each row.
func (t *Stored) normalise(to []float32, from []byte) {
	row := 1
	for _, d := range t.Shape {
		row *= d
	}
	each := row / len(t.Scale)
	for first := 0; first < len(to); first += each {
		c := first % row / each
		scale, offset := t.Scale[c], t.Offset[c]
		if t.DType == safetensors.U16 {
			for i := first; i < first+each; i++ {
				to[i] = float32(float32(binary.LittleEndian.Uint16(from[2*i:]))*scale) + offset
			}
			continue
		}
		for i := first; i < first+each; i++ {
			to[i] = float32(float32(from[i])*scale) + offset
		}
	}
}

func quote(name string) string { return strconv.Quote(name) }
