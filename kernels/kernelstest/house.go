package kernelstest

import (
	"context"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx/interpreter"
	"github.com/verifyd/verifyd/kernels/shim"
)

// House runs the CUDA kernels without a GPU. As a backend it serves one goroutine at a time; its memories are
// independent of it and of each other.
type House struct {
	backend
	memory func(ctx context.Context, words int) (launch.Accelerator, error)
}

// Runner runs a launch plan on operands, which may be one slice.
type Runner interface {
	Execute(plan launch.Plan, bufs []kernels.Buf) error
}

// backend is what the shim and the interpreter are both.
type backend interface {
	Runner
	Name() string
	Supports(op kernels.Operator) bool
	Run(op kernels.Operator, bufs []kernels.Buf) error
}

// Memory is an accelerator with so many words, all zero. An access outside of it, and in the interpreter outside of
// an operand, is an error, and a workspace is poisoned before each call. The caller closes it.
func (h *House) Memory(ctx context.Context, words int) (launch.Accelerator, error) {
	return h.memory(ctx, words)
}

// Order is the order of the threads, warps and blocks of a launch.
type Order int

// First to last, and last to first.
const (
	Ascending Order = iota
	Descending
)

// Orders are all.
var Orders = []Order{Ascending, Descending}

// Shim is the kernels under g++, compiled once for all tests of a process. Without g++ the test is skipped, or fails
// in CI. TestMain must call Main.
func Shim(t testing.TB, order Order) *House {
	t.Helper()
	if !inMain {
		t.Fatal("kernelstest: what is compiled would stay: let TestMain call kernelstest.Main")
	}
	Need(t, shim.Compiler)
	p, err := shim.Shared()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Start(t.Context(), order == Descending)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &House{s, func(ctx context.Context, words int) (launch.Accelerator, error) {
		m, err := p.Memory(ctx, words, order == Descending)
		if err != nil {
			return nil, err
		}
		return m, nil
	}}
}

// Interpreter is the shipped PTX in the interpreter.
func Interpreter(t testing.TB) *House {
	t.Helper()
	m, err := interpreter.Shipped(0)
	if err != nil {
		t.Fatal(err)
	}
	return &House{m, func(_ context.Context, words int) (launch.Accelerator, error) { return m.Memory(words), nil }}
}
