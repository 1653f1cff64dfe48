package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// measureCopy finds the bandwidth that other rows are shares of: the driver's copy of 1 GiB within the device.
func (s *gpuSession) measureCopy(ctx context.Context) (err error) {
	bytes := uint64(1 << 30)
	if s.options.Quick {
		bytes = 1 << 20
	}
	f, err := s.card.newField()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	var b [2]cgo.Buffer
	for i := range b {
		if b[i], err = f.words(ctx, int(bytes/4)); err != nil {
			return err
		}
		if err := f.draw(ctx, b[i], uint32(i)); err != nil {
			return err
		}
	}
	copied, err := s.alone(ctx, 10, func() error { return s.card.stream.Copy(ctx, b[1], b[0]) })
	if err != nil {
		return err
	}
	traffic := 2 * float64(bytes)
	s.copy = over(traffic, copied.Median)
	s.add(Row{Group: "copy", Name: "copy within the device, by the driver", Ours: &copied, Work: traffic, Unit: "byte", Floor: s.top.floor(0, traffic)})
	return nil
}

// alone times work on the device that has no peer, by its events.
func (s *gpuSession) alone(ctx context.Context, reps int, enqueue func() error) (Spread, error) {
	if s.options.Quick {
		reps = 2
	}
	t, err := s.card.capture(ctx, reps, enqueue)
	if err != nil {
		return Spread{}, err
	}
	rounds, warm := s.rounds(9)
	samples, err := Alternate(rounds, warm, 0, Contender{Name: "verifyd", Run: func() (Sample, error) { return t.run(ctx) }})
	if err := errors.Join(err, t.close()); err != nil {
		return Spread{}, err
	}
	return spreadOf(byDevice(samples[0])), nil
}

// memoryBound are operators that memory bounds, each with a gigabyte or so to read and write. 768 and 50257 are the width and
// the vocabulary of GPT-2 small.
func memoryBound(n int) []kernels.Operator {
	const width, vocabulary = 768, 50257
	rows, logits := n/width, max(1, n/vocabulary)
	return []kernels.Operator{
		kernels.Copy{N: n}, kernels.Add{N: n}, kernels.Mul{N: n}, kernels.BiasAdd{N: rows, C: width, P: 1},
		kernels.ReLU{N: n}, kernels.ReLUGrad{N: n}, kernels.GELU{N: n}, kernels.GELUGrad{N: n}, kernels.GELUTanh{N: n},
		kernels.GELUTanhGrad{N: n}, kernels.Tanh{N: n}, kernels.SiLU{N: n}, kernels.Sigmoid{N: n},
		kernels.Dropout{N: n, Threshold: 1 << 29, Scale: 1.125},
		kernels.Softmax{Rows: n / 1024, Cols: 1024}, kernels.SoftmaxGrad{Rows: n / 1024, Cols: 1024},
		kernels.LayerNorm{Rows: rows, Cols: width, Eps: 1e-5}, kernels.LayerNormGrad{Rows: rows, Cols: width},
		kernels.RMSNorm{Rows: rows, Cols: width, Eps: 1e-5}, kernels.RMSNormGrad{Rows: rows, Cols: width},
		kernels.CrossEntropy{Rows: logits, Classes: vocabulary}, kernels.CrossEntropyGrad{Rows: logits, Classes: vocabulary},
		kernels.RowSum{Rows: n / 1024, Cols: 1024}, kernels.RowMax{Rows: n / 1024, Cols: 1024},
		kernels.Sum{N: n}, kernels.SumSquares{N: n}, kernels.BiasGrad{N: rows, C: width, P: 1},
		kernels.SGD{N: n, Momentum: 0.9}, kernels.Adam{N: n, Decoupled: true},
		kernels.HardSwish{N: n}, kernels.HardSwishGrad{N: n}, kernels.ChannelMul{N: 1, C: n / 196, P: 196},
		kernels.Permute{From: n, Sizes: [kernels.PermuteAxes]int{1, 1, 1, n >> 16, 256, 256}, Strides: [kernels.PermuteAxes]int{0, 0, 0, 1 << 16, 1, 256}},
		kernels.Concat{Outer: n / 1024, Inner: 1, Parts: [kernels.ConcatParts]int{512, 512}},
		kernels.Spread{Outer: rows, Size: 3 * width, Inner: 1, Start: width, Step: 1, Count: width},
		kernels.SumAxis{Outer: n / 196 / width, Size: 196, Inner: width},
	}
}

// measureOperators times the operators that memory bounds, as shares of the bandwidth of a copy.
func (s *gpuSession) measureOperators(ctx context.Context) error {
	n := 1 << 27
	if s.options.Quick {
		n = 1 << 17
	}
	if s.copy == 0 {
		if err := s.measureCopy(ctx); err != nil {
			return err
		}
	}
	for _, op := range memoryBound(n) {
		if err := s.share(ctx, op); err != nil {
			return fmt.Errorf("%s: %w", op.Name(), err)
		}
	}
	return nil
}

// share measures one operator. Its traffic is each operand once, and twice if it is updated.
func (s *gpuSession) share(ctx context.Context, op kernels.Operator) (err error) {
	f, err := s.card.newField()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	enqueue, _, err := f.operator(ctx, op)
	if err != nil {
		return err
	}
	spread, err := s.alone(ctx, 5, enqueue)
	if err != nil {
		return err
	}
	traffic := 0.0
	for _, o := range op.Operands() {
		traffic += 4 * float64(o.Len)
		if o.Access == kernels.InOut {
			traffic += 4 * float64(o.Len)
		}
	}
	s.add(Row{
		Group: "operators", Name: op.Name(), Ours: &spread, Work: traffic, Unit: "byte", Floor: s.top.floor(0, traffic),
		Value: over(over(traffic, spread.Median), s.copy), Against: "copy", Limit: 0.75, Goal: 0.9, Predicted: foreseenShares[op.Name()],
	})
	return nil
}

// foreseenShares are what the operators' kernels foresee in their comments, or what follows from their floors.
var foreseenShares = map[string]float64{
	"copy": 0.95, "add": 0.95, "mul": 0.95, "bias_add": 0.90, "relu": 0.92, "relu_grad": 0.92, "gelu": 0.85, "gelu_grad": 0.80,
	"gelu_tanh": 0.88, "gelu_tanh_grad": 0.85, "tanh": 0.88, "silu": 0.90, "sigmoid": 0.90, "dropout": 0.85,
	"softmax": 0.85, "softmax_grad": 0.85, "layer_norm": 0.85, "layer_norm_grad": 0.55, "rms_norm": 0.85, "rms_norm_grad": 0.55,
	"cross_entropy": 0.50, "cross_entropy_grad": 0.80, "row_sum": 0.85, "row_max": 0.85, "sum": 0.85, "sum_squares": 0.85,
	"bias_grad": 0.75, "sgd": 0.90, "adam": 0.90,
	"hard_swish": 0.92, "hard_swish_grad": 0.92, "channel_mul": 0.85, "permute": 0.80, "concat": 0.85, "spread": 0.75, "sum_axis": 0.75,
}

// integers are the bytes of x as they lie in device memory.
func integers(x []uint32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// measureHash hashes a state of 12 GB where it lies, in pieces of 1 MiB.
func (s *gpuSession) measureHash(ctx context.Context) (err error) {
	words := int(12e9 / 4)
	if s.options.Quick {
		words = 1 << 20
	}
	f, err := s.card.newField()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close(ctx)) }()
	memory, err := f.words(ctx, words)
	if errors.Is(err, cgo.ErrOutOfMemory) {
		s.add(Row{Group: "hash", Name: "BLAKE3 of a state of 12 GB", Note: "left out: " + err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.draw(ctx, memory, 0); err != nil {
		return err
	}
	pieces := launch.Pieces([]kernels.Range{{Words: words}})
	table := launch.DigestTable(pieces)
	var operands = []cgo.Buffer{memory}
	for _, n := range []int{len(table), 8 * len(pieces), len(pieces)} {
		b, err := f.words(ctx, n)
		if err != nil {
			return err
		}
		operands = append(operands, b)
	}
	if err := s.card.stream.Upload(ctx, operands[1], integers(table)); err != nil {
		return err
	}
	plan := launch.Digests(len(pieces))
	spread, err := s.alone(ctx, 3, func() error {
		return s.card.kernels.Enqueue(ctx, s.card.stream, plan, operands, cgo.Buffer{})
	})
	if err != nil {
		return err
	}
	bytes := 4 * float64(words)
	row := Row{
		Group: "hash", Name: fmt.Sprintf("BLAKE3 of a state of %.3g GB", bytes/1e9), Ours: &spread, Work: bytes, Unit: "byte",
		Value: over(bytes, spread.Median) / 1e9, Limit: 50, Goal: 200, Predicted: 500, Note: "asked in GB/s",
	}
	if s.top != nil {
		row.Floor = bytes / s.top.hash
	}
	s.add(row)
	return nil
}
