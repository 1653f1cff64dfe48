package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
)

// memory is a memory of a device that the test's end closes.
func memory(t *testing.T, d engine.Device, words int) engine.Memory {
	t.Helper()
	m, err := d.Open(t.Context(), words)
	must(t, err)
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestAMemoryRunsListsOfOperatorsWithTheSameWordsOnEveryDevice(t *testing.T) {
	cpu := reference(t)
	const rows, cols, players, coalitions = 9, 70, 5, 11
	var l engine.Layout
	a, b := l.Take(rows*4), l.Take(cols*4)
	distances, order := l.Take(rows*cols), l.Take(rows*cols)
	masks, weights := l.Take(coalitions), l.Take(players)
	base, terms, sums := l.Take(cols), l.Take(players*cols), l.Take(coalitions*cols)
	lists := [][]kernels.Call{
		{
			{Op: kernels.SqDistance{M: rows, N: cols, W: 4}, Operands: []kernels.Range{a, b, distances}},
			{Op: kernels.KNNOrder{Rows: rows, N: cols}, Operands: []kernels.Range{distances, order}},
		},
		{{Op: kernels.CoalitionSum{Coalitions: coalitions, Players: players, N: cols}, Operands: []kernels.Range{masks, weights, base, terms, sums}}},
	}
	in := make([]uint32, l.Words())
	r := rand.New(rand.NewPCG(3, 4))
	for i := range in {
		if in[i] = r.Uint32(); in[i]>>23&0xff > 0x90 { // no NaN: which one a sum gives is the machine's
			in[i] &^= 1 << 30
		}
	}
	run := func(d engine.Device) []uint32 {
		m := memory(t, d, l.Words())
		out := make([]uint32, l.Words())
		must(t, m.Read(t.Context(), out, 0))
		if slices.ContainsFunc(out, func(w uint32) bool { return w != 0 }) {
			t.Fatalf("%s: the memory is not zero at first", d.Name())
		}
		must(t, m.Write(t.Context(), 0, in))
		var routines []int
		for _, calls := range lists {
			n, err := m.Record(t.Context(), calls)
			must(t, err)
			routines = append(routines, n)
		}
		for _, n := range slices.Backward(routines) {
			must(t, m.Run(t.Context(), n))
		}
		must(t, m.Read(t.Context(), out, 0))
		return out
	}
	want := run(cpu)
	if slices.Equal(want, in) {
		t.Fatal("nothing was computed")
	}
	for _, d := range []engine.Device{underShim(t, kernelstest.Ascending), underShim(t, kernelstest.Descending), asPTX(t)} {
		if !slices.Equal(run(d), want) {
			t.Errorf("%s: other words", d.Name())
		}
	}
}

func TestAMemoryRefusesWhatLiesOutsideOfIt(t *testing.T) {
	add := func(offset, words int) []kernels.Call {
		r := kernels.Range{Offset: offset, Words: words}
		return []kernels.Call{{Op: kernels.Add{N: 4}, Operands: []kernels.Range{r, r, r}}}
	}
	for _, d := range []engine.Device{reference(t), asPTX(t)} {
		m := memory(t, d, 32)
		if err := errors.Join(m.Write(t.Context(), 30, make([]uint32, 2)), m.Read(t.Context(), make([]uint32, 32), 0)); err != nil {
			t.Error(err)
		}
		for what, err := range map[string]error{
			"write":             m.Write(t.Context(), 31, make([]uint32, 2)),
			"read":              m.Read(t.Context(), make([]uint32, 33), 0),
			"read before":       m.Read(t.Context(), make([]uint32, 1), -1),
			"call":              second(m.Record(t.Context(), add(29, 4))),
			"call before":       second(m.Record(t.Context(), add(-1, 4))),
			"unrecorded":        m.Run(t.Context(), 0),
			"unrecorded before": m.Run(t.Context(), -1),
		} {
			if err == nil {
				t.Errorf("%s: %s outside of the memory is accepted", d.Name(), what)
			}
		}
	}
	m := memory(t, reference(t), 32)
	if _, err := m.Record(t.Context(), add(0, 5)); err == nil || !strings.Contains(err.Error(), "call 0") {
		t.Errorf("operands of another length: %v", err)
	}
}

func second(_ int, err error) error { return err }

func TestWhatFailsOnAnAcceleratorBlamesIt(t *testing.T) {
	broken := errors.New("lost")
	_, err := engine.NewMemory(t.Context(), 9, func(context.Context, int) (engine.Accelerator, error) { return nil, broken })
	if !errors.Is(err, engine.ErrDevice) || !errors.Is(err, broken) {
		t.Errorf("open: %v", err)
	}
	m := memory(t, asPTX(t), 32)
	huge := []kernels.Call{{Op: kernels.Add{N: 1 << 31}, Operands: make([]kernels.Range, 3)}}
	if _, err := m.Record(t.Context(), huge); !errors.Is(err, engine.ErrDevice) {
		t.Errorf("an operator without a kernel: %v", err)
	}
}
