package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// gpuProducts are the products that are compared, the headline first, and what share of the fused
// multiply-adds' ceiling kernels/product.cuh foresees. 8192x3072x768 is a layer of GPT-2 small.
var gpuProducts = []struct {
	m, n, k  int
	foreseen float64 // ratio to cuBLAS
}{
	{4096, 4096, 4096, 0.88}, {8192, 8192, 8192, 0.90}, {2048, 2048, 2048, 0.80}, {8192, 3072, 768, 0.85}, {1024, 1024, 1024, 0.80}, {4096, 1024, 1024, 0.80},
}

// measureGemm compares products with cuBLAS through PyTorch, by the events of both and by the clock on the wall.
func (s *gpuSession) measureGemm(ctx context.Context) error {
	rounds, warm := s.rounds(15)
	for i, p := range gpuProducts {
		m, n, k := p.m, p.n, p.k
		if s.options.Quick {
			m, n, k = 33, 65, 129
			if i > 0 {
				return nil
			}
		}
		work := 2 * float64(m) * float64(n) * float64(k)
		reps := max(1, int(1e12/work)) // some 20 ms
		if s.options.Quick {
			reps = 2
		}
		ours, closing, err := s.product(ctx, m, n, k, reps)
		if err != nil {
			return err
		}
		samples, err := Alternate(rounds, warm, 0, s.contenders(ours, fmt.Sprintf("gemm %d %d %d %d", m, n, k, reps))...)
		if err := errors.Join(err, closing()); err != nil {
			return err
		}
		name := fmt.Sprintf("GEMM %dx%dx%d", m, n, k)
		var device [][]Sample
		for _, side := range samples {
			device = append(device, byDevice(side))
		}
		row := s.versus("gemm", name, device[0], device[1:])
		row.Work, row.Unit, row.Predicted = work, "flop", p.foreseen
		row.Floor = s.top.floor(work, 4*float64(m*k+k*n+m*n))
		if i == 0 {
			row.Limit, row.Goal = 0.8, 1
		}
		s.add(row)
		wall := s.versus("gemm", name+", by the host's clock", samples[0], samples[1:])
		wall.Work, wall.Unit = work, "flop"
		s.add(wall)
	}
	return nil
}

// product prepares a product of hashed numbers on the card, and checks the corners against the peer's.
func (s *gpuSession) product(ctx context.Context, m, n, k, reps int) (c Contender, closing func() error, err error) {
	f, err := s.card.newField()
	if err != nil {
		return c, nil, err
	}
	closing = func() error { return f.close(ctx) }
	fail := func(err error) (Contender, func() error, error) { return c, nil, errors.Join(err, closing()) }
	enqueue, operands, err := f.operator(ctx, kernels.Gemm{M: m, N: n, K: k, Profile: kernels.ProfileF32})
	if err != nil {
		return fail(err)
	}
	for i, length := range []int{m * k, k * n} {
		if err := s.card.stream.Upload(ctx, operands[i], floats(hashed(length, uint64(i+1)))); err != nil {
			return fail(err)
		}
	}
	t, err := s.card.capture(ctx, reps, enqueue)
	if err != nil {
		return fail(err)
	}
	closing = func() error { return errors.Join(t.close(), f.close(ctx)) }
	if s.torch != nil {
		product := make([]byte, 4*m*n)
		if err := s.card.stream.Download(ctx, product, operands[2]); err != nil {
			return fail(err)
		}
		if err := s.agree(m, n, k, product); err != nil {
			return fail(err)
		}
	}
	return t.contender(ctx, "verifyd"), closing, nil
}

// agree compares the corners of a product, so that what is timed is the same work.
func (s *gpuSession) agree(m, n, k int, product []byte) error {
	var theirs [4]float64
	if err := s.torch.Ask(fmt.Sprintf("check %d %d %d", m, n, k), &theirs[0], &theirs[1], &theirs[2], &theirs[3]); err != nil {
		return err
	}
	last := (m - 1) * n
	for i, at := range [4]int{0, n - 1, last, last + n - 1} {
		ours := float64(math.Float32frombits(binary.LittleEndian.Uint32(product[4*at:])))
		if d := math.Abs(ours - theirs[i]); !(d <= 1e-4*math.Sqrt(float64(k))) { // as in gemmCase.agree
			return fmt.Errorf("gemm %dx%dx%d: element %d is %g here and %g in %s", m, n, k, at, ours, theirs[i], s.torch.Version)
		}
	}
	return nil
}

// floats are the bytes of x as they lie in device memory.
func floats(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
