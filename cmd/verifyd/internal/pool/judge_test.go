package pool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify"
)

func clock() time.Time { return time.Unix(1_795_000_000, 0) }

func TestBundlesAreYieldedInTheirOrderAndEachErrorNamesItsOwn(t *testing.T) {
	j := &Judge{Clock: clock}
	for _, parallel := range []int{0, 1, 3, 64} {
		var paths []string
		for i := range 20 {
			paths = append(paths, filepath.Join(t.TempDir(), fmt.Sprint("bundle", i)))
		}
		var counted []uint64
		shown := 0
		for found := range j.Bundles(t.Context(), paths, parallel, func(done, total uint64) {
			counted = append(counted, done)
			if total != 20 {
				t.Errorf("%d of %d", done, total)
			}
		}) {
			if found.Bundle != paths[shown] || !errors.Is(found.Err, fs.ErrNotExist) || !strings.HasPrefix(found.Err.Error(), paths[shown]+": ") {
				t.Errorf("%d: %s, %v", shown, found.Bundle, found.Err)
			}
			if found.Severity() != Unjudged {
				t.Errorf("severity %d", found.Severity())
			}
			shown++
		}
		if shown != 20 || len(counted) != 20 || counted[0] != 1 || counted[19] != 20 {
			t.Errorf("%d shown, counted %d", shown, counted)
		}
	}
}

func TestWhoeverStopsGetsNoMoreBundles(t *testing.T) {
	j := &Judge{Clock: clock}
	paths := make([]string, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown := 0
	for range j.Bundles(ctx, paths, 2, nil) {
		if shown++; shown == 3 {
			cancel()
		}
	}
	if shown != 3 {
		t.Errorf("%d are yielded, the context ended at the third", shown)
	}
	shown = 0
	for range j.Bundles(t.Context(), paths, 2, nil) {
		if shown++; shown == 5 {
			break
		}
	}
	if shown != 5 {
		t.Error(shown)
	}
}

func TestReadingAheadStaysWithinTheMemory(t *testing.T) {
	const state = 64 << 20
	for _, c := range []struct {
		ahead  bool
		limit  uint64
		memory uint64
		want   int
	}{
		{false, 1 << 30, 1 << 20, 0},
		{true, 0, 1 << 20, state},
		{true, 1 << 30, 1 << 20, state},
		{true, 100 << 20, 60 << 20, 40 << 20},
		{true, 100 << 20, 99 << 20, verify.DefaultReadAhead},
		{true, 100 << 20, 100 << 20, 0},
		{true, 100 << 20, 200 << 20, 0},
	} {
		j := &Judge{Ahead: c.ahead, MaxMemory: c.limit}
		if got := j.ahead(verify.Cost{Memory: c.memory, State: state}); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestWhatCannotBeJudgedStatesNothing(t *testing.T) {
	j := &Judge{Clock: clock}
	found := j.Bundle(t.Context(), filepath.Join(t.TempDir(), "none"), nil)
	if _, err := found.State(Credit{}, clock()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
