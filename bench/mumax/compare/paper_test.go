// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

// paper is a side on the CPU whose clock is set by the test.
type paper struct {
	t        *testing.T
	name     string
	cpu      *kernels.CPU
	a, b, c  []float32
	unit     time.Duration // what a launch or a reduction takes
	maximum  bool          // whether it has MaxAbsolute
	turns    *[]string     // the log of who was asked
	reduced  int
	disturb  func(r Reduction, run int, result float32) float32 // what becomes of a reduction's result
	mistaken func(c []float32)                                  // what becomes of a map's
}

func newPaper(t *testing.T, name string) *paper {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cpu.Close() })
	return &paper{t: t, name: name, cpu: cpu, unit: time.Microsecond, turns: new([]string)}
}

func (p *paper) Name() string { return p.name }

func (p *paper) Has(r Reduction) bool { return p.maximum || r != MaxAbsolute }

func (p *paper) Place(_ context.Context, a, b []float32) error {
	p.a, p.b, p.c = slices.Clone(a), slices.Clone(b), make([]float32, len(a))
	return nil
}

func (p *paper) Reduce(ctx context.Context, r Reduction, results []float32) (time.Duration, error) {
	*p.turns = append(*p.turns, p.name)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var result [1]float32
	if op := r.Operator(len(p.a)); op != nil {
		if err := p.cpu.Run(op, []kernels.Buf{{F: p.a}, {F: result[:]}}); err != nil {
			return 0, err
		}
	} else {
		for _, v := range p.a {
			result[0] = max(result[0], float32(math.Abs(float64(v))))
		}
	}
	for i := range results {
		results[i] = result[0]
		if p.disturb != nil {
			results[i] = p.disturb(r, p.reduced, result[0])
		}
		p.reduced++
	}
	return time.Duration(len(results)) * p.unit, nil
}

func (p *paper) Map(ctx context.Context, m Map, waits, launches int) (time.Duration, error) {
	*p.turns = append(*p.turns, p.name)
	bufs := []kernels.Buf{{F: p.a}, {F: p.b}, {F: p.c}}
	if m == Copy {
		bufs = []kernels.Buf{{F: p.a}, {F: p.c}}
	}
	if err := p.cpu.Run(m.operator(len(p.a)), bufs); err != nil {
		return 0, err
	}
	if p.mistaken != nil {
		p.mistaken(p.c)
	}
	return time.Duration(waits*launches) * p.unit, nil
}

func (p *paper) Mapped(_ context.Context, c []float32) error {
	copy(c, p.c)
	return nil
}

// trio is the three sides of a run, and options for a small one.
func trio(t *testing.T) (ours, captured, peer *paper, o Options) {
	ours, captured, peer = newPaper(t, "ours"), newPaper(t, "captured"), newPaper(t, "peer")
	captured.turns, peer.turns = ours.turns, ours.turns
	peer.maximum = true
	return ours, captured, peer, Options{Sizes: []int{1 << 12}, Rounds: 3, Times: 4, Launches: 5, Repeats: []int{1 << 10}, Runs: 40}
}

// next is the number after v.
func next(v float32) float32 { return math.Nextafter32(v, math.MaxFloat32) }
