package inrun

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// validator computes the loss of validation rows, and its gradient, on a machine of its own.
type validator struct {
	machine *program.Machine
	x, y    kernels.Buf // all rows
	all     int         // rows
	rows    int         // of a step
	loaded  bool
	runner  program.Runner
}

// newValidator checks the rows and compiles the program without dropout for those of one step.
func newValidator(c *Config) (*validator, error) {
	p := *c.Program
	p.Graph = program.Graph{}
	for _, n := range c.Program.Graph.Nodes {
		if _, ok := n.Op.(program.Dropout); ok {
			n.Op = program.Dropout{}
		}
		p.Graph.Nodes = append(p.Graph.Nodes, n)
	}
	p.BatchSize, p.Accumulation, p.ClipNorm, p.Optimizer = 1, 1, 0, program.Optimizer{Kind: program.SGD}
	one, err := program.Compile(&p, c.Profile)
	if err != nil {
		return nil, err
	}
	v := &validator{x: c.X, y: c.Y, rows: c.Rows, runner: c.Runner}
	width := one.X().Len()
	if n := length(c.X, one.X().Kind); n == 0 || n%width != 0 {
		return nil, fmt.Errorf("x: %d %v elements are not whole rows of %d", n, one.X().Kind, width)
	}
	v.all = length(c.X, one.X().Kind) / width
	if n, want := length(c.Y, one.Y().Kind), v.all*one.Y().Len(); n != want {
		return nil, fmt.Errorf("y: %d %v elements, %d needed for %d rows", n, one.Y().Kind, want, v.all)
	}
	for _, f := range []struct {
		name string
		x    []float32
	}{{"x", c.X.F}, {"y", c.Y.F}} {
		for i, e := range f.x {
			if math.Float32bits(e)&0x7f800000 == 0x7f800000 {
				return nil, fmt.Errorf("%s: element %d is not finite", f.name, i)
			}
		}
	}
	if v.rows == 0 {
		v.rows = v.all
	}
	if v.rows < 1 || v.rows > v.all {
		return nil, fmt.Errorf("rows: %d a step is outside 1 to %d", v.rows, v.all)
	}
	p.BatchSize = v.rows
	plan, err := program.Compile(&p, c.Profile)
	if err != nil {
		return nil, err
	}
	if v.machine, err = program.NewMachine(plan, c.Runner, 0); err != nil {
		return nil, err
	}
	for t := range (v.all + v.rows - 1) / v.rows { // labels and ids are looked at before they are used
		v.load(uint64(t))
		if err := v.machine.Forward(0, func(int, []float32) {}); err != nil {
			return nil, err
		}
	}
	v.loaded = false
	return v, nil
}

// length is the number of elements of a kind; 0 if there are any of the other.
func length(b kernels.Buf, kind kernels.Kind) int {
	f, i := len(b.F), len(b.I)
	if kind == kernels.I32 {
		f, i = i, f
	}
	if i != 0 {
		return 0
	}
	return f
}

// rotates says whether steps have rows of their own.
func (v *validator) rotates() bool { return v.rows < v.all }

// load puts the rows of step t into the machine: rows t*R to t*R+R-1, from the start again after the last.
func (v *validator) load(t uint64) {
	if v.loaded && !v.rotates() {
		return
	}
	v.loaded = true
	at := int(t % uint64(v.all) * uint64(v.rows) % uint64(v.all))
	for n := 0; n < v.rows; {
		k := min(v.rows-n, v.all-at)
		copyRows(v.machine.X(), v.x, n, at, k, v.rows)
		copyRows(v.machine.Y(), v.y, n, at, k, v.rows)
		n, at = n+k, 0
	}
}

// copyRows copies k rows from row at of src to row n of dst, which has so many rows.
func copyRows(dst, src kernels.Buf, n, at, k, rows int) {
	width := (len(dst.F) + len(dst.I)) / rows
	if src.I != nil {
		copy(dst.I[n*width:(n+k)*width], src.I[at*width:])
		return
	}
	copy(dst.F[n*width:(n+k)*width], src.F[at*width:])
}

// set gives the machine parameters.
func (v *validator) set(params [][]float32) error {
	return copyTensors(v.runner, v.machine.Tensors(), params)
}
