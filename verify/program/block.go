package program

import (
	"unsafe"

	"github.com/verifyd/verifyd/kernels"
)

// block is the memory of a tape on the host, under the three types that a word has.
type block struct {
	floats   []float32
	integers []int32
	words    []uint32
}

// newBlock allocates words, all zero.
func newBlock(words int) block {
	f := make([]float32, words)
	p := unsafe.Pointer(unsafe.SliceData(f))
	return block{f, unsafe.Slice((*int32)(p), words), unsafe.Slice((*uint32)(p), words)}
}

// view is a range as an operand.
func (b block) view(k kernels.Kind, r kernels.Range) kernels.Buf {
	lo, hi := r.Offset, r.Offset+r.Words
	if k == kernels.I32 {
		return kernels.Buf{I: b.integers[lo:hi:hi]}
	}
	return kernels.Buf{F: b.floats[lo:hi:hi]}
}

// bound is a pass on a block.
type bound struct {
	block   block
	calls   []call
	windows []window
}

// call is a call on a block.
type call struct {
	op   kernels.Operator
	bufs []kernels.Buf
}

// window is an operand that moves with the micro-batch.
type window struct {
	operand *kernels.Buf
	kind    kernels.Kind
	first   kernels.Range // in the first micro-batch
	stride  int
}

// bind finds the operands of a pass.
func (b block) bind(p pass) bound {
	l := bound{block: b, calls: make([]call, len(p.list))}
	for i, c := range p.list {
		l.calls[i] = call{op: c.Op, bufs: make([]kernels.Buf, len(c.Operands))}
		for k, o := range c.Op.Operands() {
			l.calls[i].bufs[k] = b.view(o.Kind, c.Operands[k])
		}
	}
	for _, m := range p.moves {
		c := p.list[m.call]
		kind := c.Op.Operands()[m.operand].Kind
		l.windows = append(l.windows, window{&l.calls[m.call].bufs[m.operand], kind, c.Operands[m.operand], m.stride})
	}
	return l
}

// at is the calls of a micro-batch, with its windows in place until the next use.
func (l *bound) at(microBatch int) []call {
	for _, w := range l.windows {
		r := w.first
		r.Offset += microBatch * w.stride
		*w.operand = l.block.view(w.kind, r)
	}
	return l.calls
}
