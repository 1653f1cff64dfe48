// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"context"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// seed is what the operands are generated from: seed low, seed high, counter, and a word that is not used.
var seed = [4]int32{0x76657269, 0x66796431, 0, 0}

// operands are two vectors of n numbers, uniform on [-1, 1).
func operands(cpu *kernels.CPU, n int) (a, b []float32, err error) {
	a, b = make([]float32, n), make([]float32, n)
	rng := kernels.Buf{I: seed[:]}
	for id, v := range [][]float32{a, b} {
		op := kernels.Uniform{N: n, Lo: -1, Hi: 1, OpID: uint32(id)}
		if err := cpu.Run(op, []kernels.Buf{rng, {F: v}}); err != nil {
			return nil, nil, err
		}
	}
	return a, b, nil
}

// exact is r of x in binary64, with the sum of the terms' magnitudes, which is what errors are
// measured by.
func exact(r Reduction, x []float32) (value, magnitude float64) {
	for _, v := range x {
		term := float64(v)
		switch r {
		case SumSquares:
			term *= term
		case MaxAbsolute:
			value = max(value, math.Abs(term))
			continue
		}
		value += term
		magnitude += math.Abs(term)
	}
	return value, magnitude
}

// tolerance is how far a peer's sum may be off, in units of the sum of magnitudes: sixteen thousand
// additions in a row, which is mumax3's longest chain here, round by 2^-24 each, at random.
const tolerance = 1e-4

// reduced checks what a side found for r of x. ours must have the bits of verifyd's definition.
func (s *session) reduced(side Side, ours bool, r Reduction, x []float32, got float32) error {
	value, magnitude := exact(r, x)
	if off := math.Abs(float64(got) - value); off > tolerance*magnitude || math.IsNaN(off) {
		return fmt.Errorf("%s: the %s of %d numbers is %v, should be near %v", side.Name(), r, len(x), got, value)
	}
	if !ours {
		return nil
	}
	want, err := s.reference(r, x)
	if err == nil && math.Float32bits(got) != math.Float32bits(want) {
		err = fmt.Errorf("%s: the %s of %d numbers has the bits %08x, on the CPU %08x",
			side.Name(), r, len(x), math.Float32bits(got), math.Float32bits(want))
	}
	return err
}

// reference is r of x by verifyd on the CPU.
func (s *session) reference(r Reduction, x []float32) (float32, error) {
	result := []float32{0}
	err := s.cpu.Run(r.Operator(len(x)), []kernels.Buf{{F: x}, {F: result}})
	return result[0], err
}

// check asks every side for one of each, and compares with the CPU.
func (s *session) check(ctx context.Context, a, b []float32) error {
	want, got := make([]float32, len(a)), make([]float32, len(a))
	for _, m := range []Map{Copy, Add, Mul} {
		bufs := []kernels.Buf{{F: a}, {F: b}, {F: want}}
		if m == Copy {
			bufs = []kernels.Buf{{F: a}, {F: want}}
		}
		if err := s.cpu.Run(m.operator(len(a)), bufs); err != nil {
			return err
		}
		for _, side := range s.sides() {
			if _, err := side.Map(ctx, m, 1, 1); err != nil {
				return fmt.Errorf("%s: %s: %w", side.Name(), m, err)
			}
			if err := side.Mapped(ctx, got); err != nil {
				return fmt.Errorf("%s: %s: %w", side.Name(), m, err)
			}
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					return fmt.Errorf("%s: element %d of %s over %d is %v, on the CPU %v", side.Name(), i, m, len(a), got[i], want[i])
				}
			}
		}
	}
	for _, r := range []Reduction{Sum, SumSquares, MaxAbsolute} {
		for _, side := range s.sides() {
			if !side.Has(r) {
				continue
			}
			var result [1]float32
			if _, err := side.Reduce(ctx, r, result[:]); err != nil {
				return fmt.Errorf("%s: %s: %w", side.Name(), r, err)
			}
			if err := s.reduced(side, side != s.peer, r, a, result[0]); err != nil {
				return err
			}
		}
	}
	return nil
}
