// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"context"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

// Reduction takes a vector to a number.
type Reduction string

// The reductions.
const (
	Sum         Reduction = "sum"
	SumSquares  Reduction = "sum of squares"
	MaxAbsolute Reduction = "largest magnitude"
)

// Map takes vectors to a vector, element by element.
type Map string

// The maps, each of which rounds at most once: Copy is a, Add a + b, Mul a * b.
const (
	Copy Map = "copy"
	Add  Map = "add"
	Mul  Map = "multiply"
)

// bytes is what a map of n elements has to read and write.
func (m Map) bytes(n int) int {
	if m == Copy {
		return 8 * n
	}
	return 12 * n
}

// operator is m as verifyd defines it.
func (m Map) operator(n int) kernels.Operator {
	switch m {
	case Add:
		return kernels.Add{N: n}
	case Mul:
		return kernels.Mul{N: n}
	}
	return kernels.Copy{N: n}
}

// Operator is r as verifyd defines it, nil if it does not.
func (r Reduction) Operator(n int) kernels.Operator {
	switch r {
	case Sum:
		return kernels.Sum{N: n}
	case SumSquares:
		return kernels.SumSquares{N: n}
	}
	return nil
}

// Side is a library on a device. Its methods are called one at a time, and each of them leaves the
// device idle.
type Side interface {
	Name() string

	// Place puts the operands on the device, in place of earlier ones, and keeps nothing of the slices.
	Place(ctx context.Context, a, b []float32) error

	// Has says whether the side computes r at all.
	Has(r Reduction) bool

	// Reduce computes r of a once for each element of results, each time until the number has reached
	// the host, and returns the time of all but one more that it starts with.
	Reduce(ctx context.Context, r Reduction, results []float32) (time.Duration, error)

	// Map computes m of a and b launches times and waits for the device, does that waits times over,
	// and returns the time of all but one more launch and wait that it starts with.
	Map(ctx context.Context, m Map, waits, launches int) (time.Duration, error)

	// Mapped copies what the latest Map wrote.
	Mapped(ctx context.Context, c []float32) error
}
