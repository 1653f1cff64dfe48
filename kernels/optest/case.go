package optest

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/verifyd/verifyd/kernels"
)

// Case is one operator on one kind of data in one placement of its buffers.
type Case struct {
	Op     kernels.Operator
	Data   Class
	Offset int // elements, 0 to 3, by which buffers miss their natural alignment

	inPlace *[2]int // output and input operand that share one buffer
	entry   *entry
}

// String is the case's printable name: operator, shape, data and placement.
func (c Case) String() string {
	var s strings.Builder
	s.WriteString(c.Op.Name())
	writeFields(&s, reflect.ValueOf(c.Op))
	fmt.Fprintf(&s, " data=%v", c.Data)
	if c.Offset != 0 {
		fmt.Fprintf(&s, " offset=%d", c.Offset)
	}
	if c.inPlace != nil {
		operands := c.Op.Operands()
		fmt.Fprintf(&s, " inplace=%s/%s", operands[c.inPlace[0]].Name, operands[c.inPlace[1]].Name)
	}
	return s.String()
}

// writeFields prints a shape as " m=37 n=45 transa=0"; embedded shapes are flattened.
func writeFields(s *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		f, name := v.Field(i), strings.ToLower(v.Type().Field(i).Name)
		switch {
		case f.Interface() == kernels.ProfileF32: // goes without saying
		case f.IsZero() && (name == "groups" || strings.HasPrefix(name, "dilation")): // likewise
		case f.Kind() == reflect.Struct:
			writeFields(s, f)
		case f.Kind() == reflect.Bool && f.Bool():
			fmt.Fprintf(s, " %s=1", name)
		case f.Kind() == reflect.Bool:
			fmt.Fprintf(s, " %s=0", name)
		default:
			fmt.Fprintf(s, " %s=%v", name, f.Interface())
		}
	}
}

// seed is FNV-1a of the name, so that a case's data does not depend on the rest of the table.
func (c Case) seed() source {
	h := uint64(14695981039346656037)
	for _, b := range []byte(c.String()) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return source(h)
}

// buffers draws the inputs, and fills the outputs with poison. ref computes the inputs that are
// another operator's outputs.
func (c Case) buffers(ref Backend) ([]kernels.Buf, error) {
	r := c.seed()
	operands := c.Op.Operands()
	bufs := make([]kernels.Buf, len(operands))
	for i, o := range operands {
		b := &bufs[i]
		if o.Kind == kernels.I32 {
			b.I = make([]int32, o.Len)
		} else {
			b.F = make([]float32, o.Len)
		}
		switch {
		case o.Access == kernels.Out:
			for j := range b.I {
				b.I[j] = int32(poison - 1<<32)
			}
			for j := range b.F {
				b.F[j] = math.Float32frombits(poison)
			}
		case c.entry.fill != nil && c.entry.fill(c.Op, o, c.Data, &r, *b):
		case o.Kind == kernels.I32:
			r.words(b.I)
		default:
			r.floats(b.F, c.Data)
		}
	}
	if c.entry.derive != nil {
		if err := c.entry.derive(c.Op, c.Data, bufs, &r, ref); err != nil {
			return nil, fmt.Errorf("derived inputs: %w", err)
		}
	}
	return bufs, nil
}

// expect runs the case on the reference and returns all buffers afterwards.
func (c Case) expect(ref Backend, bufs []kernels.Buf) ([]kernels.Buf, error) {
	want := make([]kernels.Buf, len(bufs))
	for i, b := range bufs {
		want[i] = place(b, 0).content()
	}
	return want, ref.Run(c.Op, want)
}

// verify runs the case on b and compares every byte with want.
func (c Case) verify(b Backend, bufs, want []kernels.Buf) error {
	arenas := make([]arena, len(bufs))
	given := make([]kernels.Buf, len(bufs))
	for i := range bufs {
		arenas[i] = place(bufs[i], c.Offset)
		given[i] = arenas[i].content()
	}
	if c.inPlace != nil {
		given[c.inPlace[0]] = given[c.inPlace[1]]
	}
	if err := b.Run(c.Op, given); err != nil {
		return err
	}
	for i, o := range c.Op.Operands() {
		if err := arenas[i].intact(); err != nil {
			return fmt.Errorf("operand %q: %w", o.Name, err)
		}
		if c.inPlace != nil && i == c.inPlace[1] {
			continue
		}
		if o.Access == kernels.In {
			for j := range length(given[i]) {
				if got, was := word(given[i], j), word(bufs[i], j); got != was {
					return fmt.Errorf("%w: input %q was changed: element %d is %08x, was %08x", ErrBits, o.Name, j, got, was)
				}
			}
			continue
		}
		if err := compare(given[i], want[i]); err != nil {
			return fmt.Errorf("output %q: %w", o.Name, err)
		}
	}
	return nil
}

// compare returns an error that names the first of the differing elements.
func compare(got, want kernels.Buf) error {
	differ, first := 0, 0
	for j := range length(want) {
		if result(got, j) != result(want, j) {
			if differ == 0 {
				first = j
			}
			differ++
		}
	}
	if differ == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of %d elements differ, the first at %d: got %08x, want %08x",
		ErrBits, differ, length(want), first, result(got, first), result(want, first))
}
