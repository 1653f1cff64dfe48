//go:build cgo && linux

package cgo_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/verifyd/verifyd/cgo"
)

func TestACapturedStepRunsOnlyWhenItIsLaunched(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	buf := must(g.NewPool(s, 1<<20).Alloc(background, 4))(t)
	k := must(must(g.Load(background, "test", []byte(fakePTX)))(t).Kernel("increment"))(t)
	one := [3]uint32{1, 1, 1}
	read := func() uint32 {
		data := make([]byte, 4)
		check(t, s.Download(background, data, buf))
		return binary.LittleEndian.Uint32(data)
	}
	check(t, s.Fill(background, buf, 7))
	step := must(s.Capture(background, func() error {
		for range 3 {
			if err := s.Launch(background, cgo.Launch{Kernel: k, Grid: one, Block: one, Args: []cgo.Arg{buf.Arg()}}); err != nil {
				return err
			}
		}
		return nil
	}))(t)
	if got := read(); got != 7 || step.Nodes() != 3 {
		t.Errorf("%d after the capture of %d nodes", got, step.Nodes())
	}
	for range 5 {
		check(t, step.Launch(background, s))
	}
	if got := read(); got != 22 {
		t.Errorf("%d after five steps of three", got)
	}
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestACaptureThatFailsLeavesTheStreamUsable(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	broken := errors.New("broken plan")
	buf := must(g.NewPool(s, 1<<20).Alloc(background, 4))(t)
	for name, c := range map[string]struct {
		enqueue func() error
		class   error
	}{
		"the plan fails":        {func() error { return broken }, broken},
		"a wait within":         {func() error { return s.Wait(background) }, cgo.ErrInvalid},
		"an upload within":      {func() error { return s.Upload(background, buf, make([]byte, 4)) }, cgo.ErrInvalid},
		"a capture of a stream": {func() error { _, err := s.Capture(background, func() error { return nil }); return err }, cgo.ErrInvalid},
	} {
		if _, err := s.Capture(background, c.enqueue); !errors.Is(err, c.class) {
			t.Errorf("%s: %v", name, err)
		}
		check(t, s.Wait(background))
	}
	check(t, g.Fault())
	check(t, g.Close(background))
	f.requireNoLeak()
}
