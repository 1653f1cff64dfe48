package optest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

func TestABackendOnAnAcceleratorGivesTheBytesOfTheReference(t *testing.T) {
	optest.TestShort(t, 71, optest.Accelerated(t.Context(), "ptx", kernelstest.Interpreter(t).Memory))
}

// harmed is a memory that changes a word on its way back: the k-th, from the end if it is negative.
type harmed struct {
	launch.Accelerator
	k int
}

func (h harmed) Read(ctx context.Context, words []uint32, offset int) error {
	err := h.Accelerator.Read(ctx, words, offset)
	words[(h.k+len(words))%len(words)] ^= 1
	return err
}

func TestAnAcceleratorWithOneWrongBitIsFound(t *testing.T) {
	house := kernelstest.Interpreter(t)
	op := kernels.ReLU{N: 32}
	const guards = 64 // before, between and behind the operands
	for what, k := range map[string]int{
		"in the output": guards + 32 + guards, "in the input": guards, "before all operands": 0, "behind them": -1, "between them": guards + 32,
	} {
		b := optest.Accelerated(t.Context(), "harmed", func(ctx context.Context, words int) (harmed, error) {
			m, err := house.Memory(ctx, words)
			return harmed{m, k}, err
		})
		x, y := make([]float32, op.N), make([]float32, op.N)
		err := b.Run(op, []kernels.Buf{{F: x}, {F: y}})
		switch k {
		case guards + 32 + guards:
			if err != nil || y[0] == 0 {
				t.Errorf("%s: output %v, error %v", what, y[0], err)
			}
		case guards:
			if err != nil || x[0] == 0 {
				t.Errorf("%s: input %v, error %v", what, x[0], err)
			}
		default:
			if !errors.Is(err, optest.ErrBits) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func TestAFailingAcceleratorIsNoWrongOne(t *testing.T) {
	broken := errors.New("no memory left")
	b := optest.Accelerated(t.Context(), "broken", func(context.Context, int) (launch.Accelerator, error) { return nil, broken })
	err := optest.Check(b, optest.Cases()[:1])
	if !errors.Is(err, broken) || errors.Is(err, optest.ErrBits) {
		t.Error(err)
	}
}
