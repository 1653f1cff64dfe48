package kernels

import (
	"fmt"
	"testing"
)

// However a batch is cut into pieces, each of its products is the product alone.
func TestMatmulIsGemmOfEachPair(t *testing.T) {
	for _, e := range []Gemm{
		{M: 1, N: 1, K: 1}, {M: 7, N: 5, K: 3, TransA: true}, {M: 33, N: 47, K: 600, TransB: true},
		{M: 3, N: 2, K: 0}, {M: 130, N: 40, K: 70, TransA: true, TransB: true}, {M: 2, N: 3, K: 9000},
	} {
		e.Profile = ProfileF32
		for _, batch := range []int{1, 2, 5, 30} {
			t.Run(fmt.Sprintf("%+v of %d", e, batch), func(t *testing.T) {
				a, b, c := fill(batch*e.M*e.K, 5), fill(batch*e.K*e.N, 7), zeros(batch*e.M*e.N)
				run(t, Matmul{batch, e}, floats(a...), floats(b...), c)
				for i := range batch {
					want := zeros(e.M * e.N)
					run(t, e, floats(a[i*e.M*e.K:(i+1)*e.M*e.K]...), floats(b[i*e.K*e.N:(i+1)*e.K*e.N]...), want)
					same(t, fmt.Sprint("matrix ", i), c.F[i*e.M*e.N:(i+1)*e.M*e.N], want.F)
				}
			})
		}
	}
}
