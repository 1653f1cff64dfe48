package launch

import (
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// ErrUnsupported says that no kernel exists for an operator, or that its shape is beyond what the
// kernels can address. The CPU serves it.
var ErrUnsupported = errors.New("no kernel for this operator")

// Plan is what computes one operator: its launches, one after another, each seeing all that the
// former wrote.
type Plan struct {
	Launches  []Launch
	Workspace int // words of device memory of arbitrary content that the launches share
}

// Launch is one kernel on one grid.
type Launch struct {
	Kernel      string
	Grid, Block [3]uint32
	Shared      uint32 // bytes of dynamic shared memory
	Args        []Arg
}

// Kind is what an argument is.
type Kind uint8

// A Buffer is the address of word Offset of operand Index, Workspace that of word Offset of the
// workspace, and a Scalar is the 32 bits of Word.
const (
	Buffer Kind = iota
	Workspace
	Scalar
)

// Arg is one argument of a kernel: an address of 8 bytes or a scalar of 4.
type Arg struct {
	Kind   Kind
	Index  int
	Offset int
	Word   uint32
}

// operand is the address of operand i.
func operand(i int) Arg { return Arg{Kind: Buffer, Index: i} }

// workspace is the address of word offset of the workspace.
func workspace(offset int) Arg { return Arg{Kind: Workspace, Offset: offset} }

// integer is n, which fits 32 bits because every operand's length does.
func integer(n int) Arg { return Arg{Kind: Scalar, Word: uint32(int32(n))} }

func word(u uint32) Arg { return Arg{Kind: Scalar, Word: u} }

func float(f float32) Arg { return word(math.Float32bits(f)) }

// flag is 1 for true.
func flag(b bool) Arg {
	if b {
		return word(1)
	}
	return word(0)
}

// line is a launch of blocks times threads in one dimension.
func line(kernel string, blocks, threads int, args ...Arg) Launch {
	return Launch{Kernel: kernel, Grid: [3]uint32{uint32(blocks), 1, 1}, Block: [3]uint32{uint32(threads), 1, 1}, Args: args}
}

// parts is how many parts of size cover n.
func parts(n, size int) int { return (n + size - 1) / size }

// inverse is 1/n of contract.md section 1.4.
func inverse(n int) float32 { return 1 / float32(n) }

// longest is the longest operand that kernels address: an index of 32 bits stays one with the
// largest grid's overhang added.
const longest = math.MaxInt32 - 1<<16

// families are the operators that have kernels, a file each. A family answers false for an operator
// that is not its own.
var families = [...]func(kernels.Operator) (Plan, bool){
	products, directs, gradients, attentions, movements,
	elementwise, sums, optimizers, rowwise, norms, pools, upsamples, cells, distances, logistic, values, ropes,
}

// For returns the launches that compute op, which depend on its shape alone. A launch whose grid is
// empty is left out: nothing is to be done.
func For(op kernels.Operator) (Plan, error) {
	for _, o := range op.Operands() {
		if o.Len > longest {
			return Plan{}, fmt.Errorf("%s: operand %q has %d elements: %w", op.Name(), o.Name, o.Len, ErrUnsupported)
		}
	}
	profile, product := kernels.ProfileOf(op)
	for _, family := range families {
		p, ok := family(op)
		if !ok {
			continue
		}
		return p.filled(op)
	}
	if product {
		return Plan{}, fmt.Errorf("%s in profile %v: %w", op.Name(), profile, ErrUnsupported)
	}
	return Plan{}, fmt.Errorf("%s: %w", op.Name(), ErrUnsupported)
}

// filled is p without its empty launches, or an error where a grid is larger than a device takes.
func (p Plan) filled(op kernels.Operator) (Plan, error) {
	if p.Workspace > longest {
		return Plan{}, fmt.Errorf("%s: %d words of workspace: %w", op.Name(), p.Workspace, ErrUnsupported)
	}
	kept := p.Launches[:0]
	for _, l := range p.Launches {
		if l.Grid[1] > 65535 || l.Grid[2] > 65535 {
			return Plan{}, fmt.Errorf("%s: grid %v of %s: %w", op.Name(), l.Grid, l.Kernel, ErrUnsupported)
		}
		if l.Grid[0] > 0 && l.Grid[1] > 0 && l.Grid[2] > 0 {
			kept = append(kept, l)
		}
	}
	p.Launches = kept
	return p, nil
}
