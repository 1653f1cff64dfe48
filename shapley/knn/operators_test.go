package knn_test

import (
	"context"
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/knn"
)

func TestTheOperatorsOfADeviceGiveTheSameValues(t *testing.T) {
	const n, m, width, k = 400, 37, 7, 5
	d := made(4, n, m, width, 3)
	for i := range d.Train {
		d.Train[i] *= 0.31
	}
	r, err := knn.Values(context.Background(), d, knn.Options{K: k})
	if err != nil {
		t.Fatal(err)
	}
	scale := uint(new(big.Int).Div(r.Denominator, big.NewInt(m)).BitLen() - 1)

	train, test := knn.Quantise(d.Train, d.Test, width, 1)
	table := make([]int32, 2*(n+1))
	for i := 1; i <= n; i++ {
		place := int64(max(i, k))
		entry := (int64(1)<<scale + place/2) / place
		table[2*i], table[2*i+1] = int32(uint32(entry)), int32(entry>>32)
	}
	distances, order, sums := make([]int32, m*n), make([]int32, m*n), make([]int32, 2*n)
	cpu, err := kernels.NewCPU(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	for _, step := range []struct {
		op   kernels.Operator
		bufs []kernels.Buf
	}{
		{kernels.SqDistance{M: m, N: n, W: (width + 1) / 2}, []kernels.Buf{{I: test}, {I: train}, {I: distances}}},
		{kernels.KNNOrder{Rows: m, N: n}, []kernels.Buf{{I: distances}, {I: order}}},
		{kernels.KNNRecursion{Rows: m, N: n}, []kernels.Buf{{I: order}, {I: d.TrainLabels}, {I: d.TestLabels}, {I: table}, {I: sums}}},
	} {
		if err := cpu.Run(step.op, step.bufs); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range r.Numerators {
		if got := int64(sums[2*i+1])<<32 | int64(uint32(sums[2*i])); !want.IsInt64() || want.Int64() != got {
			t.Fatalf("row %d has %d from the operators, want %v", i, got, want)
		}
	}
}
