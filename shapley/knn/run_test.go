package knn_test

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/shapleytest"
)

func TestProgressRisesToAllTestRows(t *testing.T) {
	d := made(2, 50, 333, 4, 3)
	for _, threads := range []int{1, 3} {
		last := uint64(0)
		_, err := knn.Values(context.Background(), d, knn.Options{Device: shapleytest.CPU(kernels.Options{Threads: threads}), K: 3, Progress: func(done, total uint64) {
			if done <= last || total != 333 {
				t.Errorf("%d of %d after %d", done, total, last)
			}
			last = done
		}})
		if err != nil || last != 333 {
			t.Errorf("ended at %d: %v", last, err)
		}
	}
}

func TestAnEndedContextEndsTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d := made(2, 50, 333, 4, 3)
	_, err := knn.Values(ctx, d, knn.Options{Device: shapleytest.CPU(kernels.Options{Threads: 1}), K: 3, Progress: func(done, _ uint64) {
		cancel()
		if done > 300 {
			t.Errorf("still working at row %d", done)
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestTheLargestTargetsDoNotOverflow(t *testing.T) {
	for n := 1; n <= 7; n++ {
		d := made(uint32(n), n, 3, 2, 2)
		d.TrainLabels, d.TestLabels = nil, nil
		for i := range n {
			d.TrainTargets = append(d.TrainTargets, int64(1-2*(i%2))*knn.MaxTarget)
		}
		d.TestTargets = []int64{knn.MaxTarget, -knn.MaxTarget, -knn.MaxTarget}
		for _, k := range []int{1, 2, 3, 20} {
			o := knn.Options{Device: device, Variant: knn.Regression, K: k}
			want, _, full := bruteForce(d, o)
			r, err := knn.Values(context.Background(), d, o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Full.Cmp(full) != 0 || new(big.Rat).Abs(r.Residual).Cmp(r.Bound) > 0 {
				t.Errorf("N %d, K %d: everybody has %v, want %v; residual %v, bound %v", n, k, r.Full, full, r.Residual, r.Bound)
			}
			for i := range want {
				off := new(big.Rat).Sub(r.Value(i), want[i])
				if off.Abs(off).Cmp(r.Bound) > 0 {
					t.Errorf("N %d, K %d: row %d has %v, want %v", n, k, i, r.Value(i), want[i])
				}
			}
		}
	}
}

// More test rows than a device measures at a time.
func TestTilesOfADeviceNeverShow(t *testing.T) {
	d := made(8, 90, 1100, 3, 3)
	d.TestLabels[5] = 99 // which no training row has
	for _, v := range []knn.Variant{knn.Unweighted, knn.SoftLabel} {
		want, err := knn.Values(context.Background(), d, knn.Options{Device: device, Variant: v, K: 4})
		if err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		got, err := knn.Values(context.Background(), d, knn.Options{Device: shapleytest.Apart(device), Variant: v, K: 4, Progress: func(done, _ uint64) { last = done }})
		if err != nil {
			t.Fatal(err)
		}
		if text(t, got) != text(t, want) || last != 1100 {
			t.Errorf("%v: other values, progress ends at %d", v, last)
		}
	}
}
