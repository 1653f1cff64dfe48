//go:build cgo && linux

package cgo_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/cgo"
)

func TestAPoolNeverExceedsItsLimit(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 1<<20)
	a := must(pool.Alloc(background, 600<<10))(t)
	for _, n := range []uint64{600 << 10, 1<<20 + 1, 1 << 63, 1<<64 - 1} {
		if _, err := pool.Alloc(background, n); !errors.Is(err, cgo.ErrOutOfMemory) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if held, used := pool.Held(); held > 1<<20 || used != held {
		t.Errorf("held %d, used %d", held, used)
	}
	check(t, pool.Free(a))
	must(pool.Alloc(background, 700<<10))(t) // only once the first block is given back
	if held, _ := pool.Held(); held > 1<<20 {
		t.Errorf("held %d", held)
	}
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestAFullDeviceGivesBackWhatLiesUnused(t *testing.T) {
	f := newFake(t)
	f.Control("memory 1048576")
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 1<<30)
	a := must(pool.Alloc(background, 600<<10))(t)
	if _, err := pool.Alloc(background, 601<<10); !errors.Is(err, cgo.ErrOutOfMemory) {
		t.Errorf("a full device: %v", err)
	}
	check(t, g.Fault()) // lack of memory poisons nothing
	check(t, pool.Free(a))
	must(pool.Alloc(background, 700<<10))(t)
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestAStepThatRepeatsAllocatesNothing(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 32<<20)
	step := func() {
		for _, n := range []uint64{1, 512, 5000, 1 << 20, 3<<20 + 7} {
			check(t, pool.Free(must(pool.Alloc(background, n))(t)))
		}
	}
	step()
	f.Control()
	step()
	if slices.Contains(f.calls(), "cuMemAlloc_v2") {
		t.Error("the second step asks the driver for memory")
	}
	check(t, g.Close(background))
}

func TestAFullQueueWaitsWhereTheWatchdogSeesIt(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	buf := must(g.NewPool(s, 1<<20).Alloc(background, 4))(t)
	f.Control()
	for range 1100 {
		check(t, s.Fill(background, buf, 1))
	}
	if n := len(slices.DeleteFunc(f.calls(), func(name string) bool { return name != "cuEventQuery" })); n < 2 {
		t.Errorf("%d waits within 1100 pieces of work", n)
	}
	check(t, g.Close(background))
}
