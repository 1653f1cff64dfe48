package interpreter

import (
	"fmt"
	"math"
	"sync"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/internal/rig"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx"
)

// memory is what a launch sees.
type memory struct {
	buffers []buffer
	shared  []uint32
}

// buffer is words that begin skew words past a multiple of 16 bytes: those of buffer i at
// (i+1)<<bufferShift + 4*skew.
type buffer struct {
	data []uint32
	skew int
}

const bufferShift = 36

// words are n words at an address, which must be aligned to their size.
func (m *memory) words(at uint64, shared bool, n int) ([]uint32, error) {
	if at%uint64(4*n) != 0 {
		return nil, fmt.Errorf("address %#x is not aligned to %d bytes", at, 4*n)
	}
	data, i := m.shared, at/4
	if !shared {
		k := at >> bufferShift
		if k == 0 || k > uint64(len(m.buffers)) {
			return nil, fmt.Errorf("address %#x is in no buffer", at)
		}
		b := m.buffers[k-1]
		data, i = b.data, at&(1<<bufferShift-1)/4-uint64(b.skew) // before the buffer it is beyond every length
	}
	if i < uint64(len(data)) && uint64(n) <= uint64(len(data))-i {
		return data[i : i+uint64(n)], nil
	}
	return nil, fmt.Errorf("address %#x is outside of %d words", at, len(data))
}

// Machine executes plans on the shipped PTX. It implements optest.Backend. Calls from several goroutines, those on its
// memories included, take turns.
type Machine struct {
	kernels map[string]*kernel
	skew    int

	turn  sync.Mutex // of those who execute
	steps uint64
}

// Shipped is a machine with every module of package ptx.
func Shipped(skew int) (*Machine, error) {
	modules, err := ptx.Modules()
	if err != nil {
		return nil, err
	}
	return New(modules, skew)
}

// New parses every module. With skew, buffers begin that many words past a multiple of 16 bytes.
func New(modules []ptx.Module, skew int) (*Machine, error) {
	m := &Machine{kernels: map[string]*kernel{}, skew: skew}
	for _, module := range modules {
		found, err := parse(module.Text)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", module.Name, err)
		}
		for name, k := range found {
			m.kernels[name] = k
		}
	}
	return m, nil
}

// Name is "ptx", with the skew.
func (m *Machine) Name() string {
	if m.skew != 0 {
		return fmt.Sprintf("ptx skew=%d", m.skew)
	}
	return "ptx"
}

// Steps is the number of instructions that threads have executed.
func (m *Machine) Steps() uint64 {
	m.turn.Lock()
	defer m.turn.Unlock()
	return m.steps
}

// Supports says whether there is a plan for op.
func (m *Machine) Supports(op kernels.Operator) bool {
	_, err := launch.For(op)
	return err == nil
}

// Run computes op on bufs. Buffers that are the same slice stay one.
func (m *Machine) Run(op kernels.Operator, bufs []kernels.Buf) error {
	plan, err := launch.For(op)
	if err != nil {
		return err
	}
	return m.Execute(plan, bufs)
}

// Execute runs a plan on operands, as Run does.
func (m *Machine) Execute(plan launch.Plan, bufs []kernels.Buf) error {
	own, index := rig.Distinct(bufs)
	mem := &memory{}
	for _, b := range own {
		mem.buffers = append(mem.buffers, buffer{content(b), m.skew})
	}
	if err := m.execute(plan, mem, index); err != nil {
		return err
	}
	for i, b := range own {
		data := mem.buffers[i].data
		for j := range b.F {
			b.F[j] = math.Float32frombits(data[j])
		}
		for j := range b.I {
			b.I[j] = int32(data[j])
		}
	}
	return nil
}

// poison fills shared memory and workspaces: a NaN, and no index.
const poison = 0xffffdead

// execute runs a plan with a workspace of its own. Operand i is buffer index[i].
func (m *Machine) execute(plan launch.Plan, mem *memory, index []int) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	work := make([]uint32, plan.Workspace)
	for i := range work {
		work[i] = poison
	}
	mem.buffers = append(mem.buffers, buffer{data: work})
	for _, l := range plan.Launches {
		if err := m.launch(l, mem, index); err != nil {
			return fmt.Errorf("%s: %w", l.Kernel, err)
		}
	}
	return nil
}

// content is the bits of a buffer.
func content(b kernels.Buf) []uint32 {
	data := make([]uint32, 0, len(b.F)+len(b.I))
	for _, v := range b.F {
		data = append(data, math.Float32bits(v))
	}
	for _, v := range b.I {
		data = append(data, uint32(v))
	}
	return data
}

// launch executes one launch. Operand i is buffer index[i], the workspace the last one.
func (m *Machine) launch(l launch.Launch, mem *memory, index []int) error {
	k, ok := m.kernels[l.Kernel]
	if !ok {
		return fmt.Errorf("no module has this kernel")
	}
	args, err := arguments(k, l, mem, index)
	if err != nil {
		return err
	}
	threads := int(l.Block[0] * l.Block[1] * l.Block[2])
	if threads == 0 || threads%32 != 0 || k.threads != 0 && threads > k.threads {
		return fmt.Errorf("%d threads in a block", threads)
	}
	mem.shared = make([]uint32, (k.shared+3)/4)
	warps := make([]*warp, threads/32)
	for i := range warps {
		warps[i] = newWarp(k, mem, args)
	}
	for z := range l.Grid[2] {
		for y := range l.Grid[1] {
			for x := range l.Grid[0] {
				block := [3]uint32{x, y, z}
				for i, w := range warps {
					w.begin(32*i, block, l.Block, l.Grid)
				}
				for i := range mem.shared {
					mem.shared[i] = poison
				}
				if err := runBlock(warps); err != nil {
					return fmt.Errorf("block %v: %w", block, err)
				}
			}
		}
	}
	for _, w := range warps {
		m.steps += w.steps
	}
	return nil
}

// runBlock runs the warps from barrier to barrier.
func runBlock(warps []*warp) error {
	for {
		waiting := 0
		for i, w := range warps {
			if err := w.run(); err != nil {
				return fmt.Errorf("warp %d: %w", i, err)
			}
			if w.live == 0xffffffff {
				waiting++
			} else if w.live != 0 {
				return fmt.Errorf("warp %d: some of its threads return before a barrier", i)
			}
		}
		if waiting == 0 {
			return nil
		}
		if waiting != len(warps) {
			return fmt.Errorf("%d of %d warps reach a barrier", waiting, len(warps))
		}
	}
}

// arguments are the values of a launch's arguments.
func arguments(k *kernel, l launch.Launch, mem *memory, index []int) ([]uint64, error) {
	if len(l.Args) != len(k.parameters) {
		return nil, fmt.Errorf("%d arguments, %d needed", len(l.Args), len(k.parameters))
	}
	var args []uint64
	for i, a := range l.Args {
		if (a.Kind == launch.Scalar) != (k.parameters[i] != "u64") {
			return nil, fmt.Errorf("argument %d is of another kind", i)
		}
		switch a.Kind {
		case launch.Scalar:
			args = append(args, uint64(a.Word))
		case launch.Workspace:
			args = append(args, uint64(len(mem.buffers))<<bufferShift+4*uint64(a.Offset))
		default:
			if a.Index < 0 || a.Index >= len(index) {
				return nil, fmt.Errorf("argument %d is operand %d of %d", i, a.Index, len(index))
			}
			at := index[a.Index]
			args = append(args, uint64(at+1)<<bufferShift+4*uint64(a.Offset+mem.buffers[at].skew))
		}
	}
	return args, nil
}
