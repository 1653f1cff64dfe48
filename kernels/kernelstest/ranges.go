package kernelstest

import (
	"context"
	"math"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// TestRanges fails the test unless the memories of a house refuse what is outside of them, routines that they do
// not have, and other numbers of words than a routine takes.
func TestRanges(t *testing.T, h *House) {
	t.Helper()
	ctx := t.Context()
	m, err := h.Memory(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.WithoutCancel(ctx))
	good, far := kernels.Range{Offset: 4, Words: 4}, kernels.Range{Offset: 5, Words: 4}
	r, err := m.Record(ctx, launch.Routine{In: good, Out: good})
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, 4)
	record := func(r launch.Routine) error { _, err := m.Record(ctx, r); return err }
	for name, err := range map[string]error{
		"write":       m.Write(ctx, 5, words),
		"write early": m.Write(ctx, -1, words),
		"read":        m.Read(ctx, words, 5),
		"in":          record(launch.Routine{In: far}),
		"out":         record(launch.Routine{Out: far}),
		"negative":    record(launch.Routine{Out: kernels.Range{Offset: 4, Words: -1}}),
		"endless":     record(launch.Routine{In: kernels.Range{Offset: 4, Words: math.MaxInt}}),
		"operand":     record(launch.Routine{Calls: []launch.Planned{{Operands: []kernels.Range{far}}}}),
		"routine":     m.Run(ctx, r+1, words, words),
		"no routine":  m.Run(ctx, -1, words, words),
		"short in":    m.Run(ctx, r, words[1:], words),
		"long out":    m.Run(ctx, r, words, make([]uint32, 5)),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := m.Run(ctx, r, words, words); err != nil {
		t.Errorf("what is inside: %v", err)
	}
}
