package kernels

import (
	"fmt"
	"runtime"
	"sync"
)

// Options choose how a CPU runs operators. They change the speed, never the bits.
type Options struct {
	ISA     ISA // code path; Auto takes the fastest that this machine has
	Threads int // workers; 0 takes runtime.GOMAXPROCS(0)
}

// CPU runs operators on this machine's processors. Run may be called from several goroutines; the
// calls follow one another.
type CPU struct {
	isa     ISA
	vec     *vector
	workers []*worker

	team *team

	mu    sync.Mutex // held during Run
	op    Operator
	bufs  []Buf
	phase int

	partial []float32 // sums of blocks, from one phase of an operator to the next
	order   []uint64  // sorted rows, likewise
	packed  []float32 // operand laid out for all workers, likewise

	operands map[Operator][]Operand // of the operators that ran lately, which Run checks without allocating
}

// worker is one thread's share of a CPU: its code path and its scratch memory.
type worker struct {
	cpu     *CPU
	vec     *vector
	tiles   *tiles // nil for the reference's loops
	scratch []float32
	sums    []float32 // memory of row
	row     fold

	packA, packB []float32 // blocks of the operands of a matrix product
	group        []float32 // sum of one group of its terms
	edge         []float32 // tile on the edge of c
	image, wide  []float32 // padded image of a convolution and its outputs
	images       []float32 // several of them
	at           []int32   // places of its terms
	starts       []int32   // those of its chunks among them
	places       []int32   // which of all terms they are, where some are left out

	distances *distanceTiles // nil for the reference's loop
	packed    packedRows     // rows of a piece of distances
}

// NewCPU starts the workers. It fails if the forced instruction set is not available here.
func NewCPU(o Options) (*CPU, error) {
	isa, err := o.ISA.resolve()
	if err != nil {
		return nil, err
	}
	n := o.Threads
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if n < 1 || n > 1024 {
		return nil, fmt.Errorf("threads: %d is outside 1 to 1024", n)
	}
	c := &CPU{isa: isa, vec: vectorFor(isa), operands: map[Operator][]Operand{}}
	for range n {
		c.workers = append(c.workers, &worker{cpu: c, vec: c.vec, tiles: tilesFor(isa), distances: distanceTilesFor(isa)})
	}
	c.team, err = newTeam(c.workers, func(w *worker, i int) { c.op.piece(w, c.phase, i, c.bufs) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ISA is the code path in use.
func (c *CPU) ISA() ISA { return c.isa }

// Threads is the number of workers.
func (c *CPU) Threads() int { return len(c.workers) }

// Close ends the workers. The CPU must not be used afterwards.
func (c *CPU) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.team.close()
}

// Run computes op on bufs, which must satisfy Check. In and Out operands of elementwise operators
// may be the same buffer; any other overlap is an error of the caller. Run does not allocate once
// the workers' scratch has grown to the operators in use. It fails on a thread whose rounding
// somebody has changed.
func (c *CPU) Run(op Operator, bufs []Buf) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	operands, err := c.operandsOf(op)
	if err != nil {
		return err
	}
	if err := check(op, operands, bufs); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := checkRounding(); err != nil {
		return err
	}
	c.op, c.bufs = op, bufs
	for c.phase = 0; ; c.phase++ {
		n := op.pieces(c, c.phase)
		if n == 0 {
			break
		}
		c.team.run(c.workers[0], n)
	}
	c.op, c.bufs = nil, nil
	return nil
}

// operandsOf is op.Operands() of a sound shape, remembered.
func (c *CPU) operandsOf(op Operator) ([]Operand, error) {
	operands, ok := c.operands[op]
	if !ok {
		if err := checkShape(op); err != nil {
			return nil, err
		}
		if len(c.operands) >= maxOperands {
			clear(c.operands)
		}
		operands = op.Operands()
		c.operands[op] = operands
	}
	return operands, nil
}

// maxOperands is more operators than a program has.
const maxOperands = 1 << 16

// floats returns n elements of scratch, valid until the next call. Their content is arbitrary.
func (w *worker) floats(n int) []float32 {
	if len(w.scratch) < n {
		w.scratch = make([]float32, n)
	}
	return w.scratch[:n]
}

// elementPieces cuts n independent elements into pieces of elementPiece.
func elementPieces(n int) int { return (n + elementPiece - 1) / elementPiece }

// elementRange is the half-open range of elements in piece i.
func elementRange(i, n int) (lo, hi int) { return i * elementPiece, min((i+1)*elementPiece, n) }

// elementPiece is large enough to pay for waking a worker and small enough for the cache.
const elementPiece = 16384
