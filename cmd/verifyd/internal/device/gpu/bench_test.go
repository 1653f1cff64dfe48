//go:build linux

package gpu

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// BenchmarkRoundTrip is a run that computes nothing, with the words of a small step.
func BenchmarkRoundTrip(b *testing.B) {
	d := open(b, "idle", Options{})
	a, err := d.Accelerator(b.Context(), 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	in, out := make([]uint32, 4096), make([]uint32, 256)
	routine, err := a.Record(b.Context(), launch.Routine{In: kernels.Range{Words: len(in)}, Out: kernels.Range{Words: len(out)}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := a.Run(b.Context(), routine, in, out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite is a state on its way to the device.
func BenchmarkWrite(b *testing.B) {
	d := open(b, "idle", Options{})
	state := make([]uint32, 16<<20)
	a, err := d.Accelerator(b.Context(), len(state))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(4 * len(state)))
	for b.Loop() {
		if err := a.Write(b.Context(), 0, state); err != nil {
			b.Fatal(err)
		}
	}
}
