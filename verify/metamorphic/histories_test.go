package metamorphic

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
)

var (
	seed      = flag.Uint64("seed", 10000, "number of the first history: from this one on a thousand have claims judged for each reason")
	histories = flag.Uint64("histories", 1000, "histories to tell")
)

func newCPU(t testing.TB, isa kernels.ISA, threads int) *kernels.CPU {
	t.Helper()
	cpu, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cpu.Close)
	return cpu
}

// cpus are this machine's code paths, each with some numbers of threads.
func cpus(t testing.TB) (all []engine.Device) {
	t.Helper()
	for _, isa := range kernels.Available() {
		for _, threads := range []int{1, 2, 3, 8} {
			all = append(all, engine.NewCPU(fmt.Sprintf("cpu %v, %d threads", isa, threads), newCPU(t, isa, threads), threads))
		}
	}
	return all
}

// workshop makes claims on one thread of the definition.
func workshop(t testing.TB) Workshop {
	return Workshop{Dir: t.TempDir(), Runner: newCPU(t, kernels.Generic, 1)}
}

// told tells histories, several claims at a time.
func told(ctx context.Context, w Workshop, devices []engine.Device, first, count uint64) (Tally, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Uint64
	next.Store(first)
	all := make(chan Tally)
	const claims = 3
	for range claims {
		go func() {
			sum := Tally{}
			for ctx.Err() == nil {
				at := next.Load()
				if at >= first+count {
					break
				}
				to := min(at-at%PerClaim+PerClaim, first+count)
				if !next.CompareAndSwap(at, to) {
					continue
				}
				tally, err := Run(ctx, w, devices, at, to-at)
				sum.Add(tally)
				if err != nil {
					stop(err) // the first one counts
				}
			}
			all <- sum
		}()
	}
	sum := Tally{}
	for range claims {
		sum.Add(<-all)
	}
	return sum, context.Cause(ctx)
}

// tell tells the histories that the flags ask for, or so many if they ask for all, and says how to repeat one that
// does not end as it must.
func tell(t *testing.T, devices []engine.Device, count uint64) Tally {
	t.Helper()
	tally, err := told(t.Context(), workshop(t), devices, *seed, count)
	var wrong *Wrong
	if errors.As(err, &wrong) {
		t.Fatalf("%v\n\nto repeat it: go test ./verify/metamorphic -run %s -seed %d -histories 1", err, t.Name(), wrong.Number)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

func TestHistories(t *testing.T) {
	count := *histories
	if testing.Short() {
		count = min(count, 100)
	}
	tally := tell(t, cpus(t), count)
	for _, what := range slices.Sorted(maps.Keys(tally)) {
		t.Logf("%6d %s", tally[what], what)
	}
	if count < 1000 {
		return
	}
	for _, reason := range []verify.Reason{
		verify.Honest, verify.Unopened, verify.WrongInit, verify.BrokenChain, verify.WrongFinal, verify.WrongState,
		verify.WrongDigests, verify.WrongSample, verify.WrongBatch, verify.WrongLoss, verify.WrongGradient,
		verify.WrongClip, verify.WrongUpdate, verify.NotFinite, unreadable,
	} {
		if tally["reason "+string(reason)] == 0 {
			t.Errorf("no claim is judged for %q", reason)
		}
	}
	for _, what := range []string{"walked beyond what was drawn", "passes with a note", "groups of parameters"} {
		if tally[what] == 0 {
			t.Errorf("no claim of: %s", what)
		}
	}
	kinds := 0
	for what := range tally {
		if strings.HasPrefix(what, "node ") {
			kinds++
		}
	}
	if kinds != 44 {
		t.Errorf("the programs have %d kinds of nodes", kinds)
	}
}

func TestKernelsTellTheSameHistories(t *testing.T) {
	count := min(*histories, 60)
	if testing.Short() {
		count = min(count, 8)
	}
	kernels := asPTX(t)
	tell(t, append(cpus(t), kernels, kernels, kernels, kernels), count)
}
