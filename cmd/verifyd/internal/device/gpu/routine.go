package gpu

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

const maxKernel = 128 // bytes of a kernel's name

// encodeRoutine writes r as varints, lists behind their lengths, in the order of the fields.
func encodeRoutine(r launch.Routine) ([]byte, error) {
	var e encoder
	e.ranges([]kernels.Range{r.In, r.Out})
	e.int(len(r.Calls))
	for _, c := range r.Calls {
		e.int(c.Plan.Workspace)
		e.int(len(c.Plan.Launches))
		for _, l := range c.Plan.Launches {
			e.launch(l)
		}
		e.int(len(c.Operands))
		e.ranges(c.Operands)
	}
	if len(e.data) > maxRoutine {
		return nil, fail(cgo.ErrUnsupported, "a routine of %d bytes, %d at most", len(e.data), maxRoutine)
	}
	return e.data, nil
}

type encoder struct{ data []byte }

func (e *encoder) int(n int) { e.data = binary.AppendUvarint(e.data, uint64(n)) }

func (e *encoder) word(u uint32) { e.data = binary.AppendUvarint(e.data, uint64(u)) }

func (e *encoder) ranges(all []kernels.Range) {
	for _, r := range all {
		e.int(r.Offset)
		e.int(r.Words)
	}
}

func (e *encoder) launch(l launch.Launch) {
	e.int(len(l.Kernel))
	e.data = append(e.data, l.Kernel...)
	for i := range 3 {
		e.word(l.Grid[i])
		e.word(l.Block[i])
	}
	e.word(l.Shared)
	e.int(len(l.Args))
	for _, a := range l.Args {
		e.data = append(e.data, byte(a.Kind))
		if a.Kind == launch.Scalar {
			e.word(a.Word)
			continue
		}
		e.int(a.Index)
		e.int(a.Offset)
	}
}

// decodeRoutine reads what encodeRoutine writes. What it allocates is in proportion to len(data); whether the
// routine makes sense is for the accelerator to say.
func decodeRoutine(data []byte) (r launch.Routine, err error) {
	d := decoder{data: data}
	r.In, r.Out = d.span(), d.span()
	r.Calls = make([]launch.Planned, d.length(3))
	for i := range r.Calls {
		c := &r.Calls[i]
		c.Plan.Workspace = d.int()
		c.Plan.Launches = make([]launch.Launch, d.length(9))
		for k := range c.Plan.Launches {
			d.launch(&c.Plan.Launches[k])
		}
		c.Operands = make([]kernels.Range, d.length(2))
		for k := range c.Operands {
			c.Operands[k] = d.span()
		}
		if d.err != nil {
			return launch.Routine{}, d.err
		}
	}
	if d.err == nil && len(d.data) > 0 {
		d.fail("%d bytes behind a routine", len(d.data))
	}
	return r, d.err
}

// decoder reads from data until it fails; then everything is zero.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
	}
	d.data = nil
}

func (d *decoder) number(limit uint64) uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 || v > limit {
		d.fail("a number of a routine")
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) int() int { return int(d.number(math.MaxInt)) }

func (d *decoder) word() uint32 { return uint32(d.number(math.MaxUint32)) }

// length is that of a list whose elements take at least size bytes.
func (d *decoder) length(size int) int {
	n := d.int()
	if n > len(d.data)/size {
		d.fail("a list of %d", n)
		return 0
	}
	return n
}

func (d *decoder) span() kernels.Range { return kernels.Range{Offset: d.int(), Words: d.int()} }

func (d *decoder) launch(l *launch.Launch) {
	n := d.length(1)
	if n > maxKernel {
		d.fail("a kernel's name of %d bytes", n)
		return
	}
	l.Kernel, d.data = string(d.data[:n]), d.data[n:]
	for i := range 3 {
		l.Grid[i], l.Block[i] = d.word(), d.word()
	}
	l.Shared = d.word()
	l.Args = make([]launch.Arg, d.length(2))
	for i := range l.Args {
		a := &l.Args[i]
		switch a.Kind = launch.Kind(d.number(uint64(launch.Scalar))); a.Kind {
		case launch.Scalar:
			a.Word = d.word()
		default:
			a.Index, a.Offset = d.int(), d.int()
		}
	}
}
