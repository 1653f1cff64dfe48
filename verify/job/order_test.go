package job

import (
	"slices"
	"testing"

	"github.com/verifyd/verifyd/verify/merkle"
)

func orderOf(samples uint64) *Order {
	j := Job{Data: Data{Samples: samples}}
	return j.OrderFor(Assignment{Job: merkle.Hash{4}, Worker: merkle.Hash{2}, Slot: 3, Seed: merkle.Hash{1}})
}

func TestEachEpochMeetsEachSampleOnce(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, 1797} {
		o := orderOf(n)
		var epochs [][]int64
		for epoch := range uint64(3) {
			ids := make([]int64, n)
			if err := o.Fill(epoch, ids); err != nil {
				t.Fatal(err)
			}
			sorted := slices.Sorted(slices.Values(ids))
			for i, id := range sorted {
				if id != int64(i) {
					t.Fatalf("%d samples, epoch %d: %v", n, epoch, sorted)
				}
			}
			epochs = append(epochs, ids)
		}
		if n > 100 && (slices.Equal(epochs[0], epochs[1]) || slices.IsSorted(epochs[0])) {
			t.Errorf("%d samples: epochs are not shuffled", n)
		}
	}
}

func TestTheOrderIsFixedForAllTime(t *testing.T) {
	ids := make([]int64, 12)
	if err := orderOf(1797).Fill(0, ids); err != nil {
		t.Fatal(err)
	}
	want := []int64{620, 1785, 1474, 206, 616, 1388, 469, 1443, 355, 1042, 1787, 962}
	if !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

func TestAStepIsTheSameWhateverWasAskedBefore(t *testing.T) {
	o := orderOf(10)
	var whole []int64
	for step := range uint64(20) { // batches of 7 cross the epochs
		ids := make([]int64, 7)
		if err := o.Fill(step, ids); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, ids...)
	}
	ids := make([]int64, 7)
	for _, step := range []uint64{19, 0, 7, 1} {
		if err := o.Fill(step, ids); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, whole[step*7:(step+1)*7]) {
			t.Errorf("step %d: %v", step, ids)
		}
	}
}

func TestOrdersDependOnSeedJobWorkerAndSlot(t *testing.T) {
	var seen [][]int64
	for _, o := range []Assignment{{}, {Seed: merkle.Hash{1}}, {Job: merkle.Hash{1}}, {Worker: merkle.Hash{1}}, {Slot: 1}} {
		j := Job{Data: Data{Samples: 1000}}
		ids := make([]int64, 32)
		if err := j.OrderFor(o).Fill(0, ids); err != nil {
			t.Fatal(err)
		}
		for _, other := range seen {
			if slices.Equal(other, ids) {
				t.Errorf("%+v has the order of another", o)
			}
		}
		seen = append(seen, ids)
	}
}

func TestAPositionThatOverflowsIsRefused(t *testing.T) {
	if err := orderOf(10).Fill(1<<63, make([]int64, 4)); err == nil {
		t.Error("accepted")
	}
}

func TestOrderingAllocatesNothingWithinAnEpoch(t *testing.T) {
	o := orderOf(100000)
	ids := make([]int64, 64)
	step := uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		if err := o.Fill(step, ids); err != nil {
			t.Fatal(err)
		}
		step++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOrder(b *testing.B) {
	o := orderOf(60000)
	ids := make([]int64, 64)
	for i := 0; b.Loop(); i++ {
		if err := o.Fill(uint64(i), ids); err != nil {
			b.Fatal(err)
		}
	}
}
