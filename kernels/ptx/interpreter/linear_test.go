package interpreter_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
)

// What the compiler made of a fused layer still gives the bytes of its operators, in every tile and cut.
func TestAFusedLayerGivesTheBytesOfItsOperators(t *testing.T) {
	m := machine(t, 1)
	for i, l := range []launch.Linear{
		{M: 3, N: 5, K: 7, Activation: kernels.ReLU{N: 15}, Profile: kernels.ProfileF32},
		{M: 2, N: 33, K: 9, Activation: kernels.SiLU{N: 66}, Profile: kernels.ProfileF32},
		{M: 33, N: 2, K: 16, Activation: kernels.GELU{N: 66}, Profile: kernels.ProfileF32},
		{M: 1, N: 3, K: 513, Activation: kernels.GELUTanh{N: 3}, Profile: kernels.ProfileF32},
		{M: 1, N: 1, K: 0, Activation: kernels.Tanh{N: 1}, Profile: kernels.ProfileF32},
		{M: 2, N: 2, K: 3, Activation: kernels.Sigmoid{N: 4}, Profile: kernels.ProfileF32},
		{M: 5, N: 6, K: 8, Profile: kernels.ProfileF32},
	} {
		if err := kernelstest.CheckLinear(m, l, i%2 == 0); err != nil {
			t.Error(err)
		}
	}
}
