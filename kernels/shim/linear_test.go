package shim_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

// linears are layers whose outputs fill a tile and more, end within one, and whose terms have one chunk, several and
// more than a group.
func linears() (all []launch.Linear) {
	after := func(i, n int) kernels.Operator {
		all := append(optest.Activations(n), nil)
		return all[i%len(all)]
	}
	for i, s := range [][3]int{
		{1, 1, 0}, {1, 1, 1}, {3, 5, 7}, {1, 33, 513}, {32, 32, 16}, {33, 31, 17}, {65, 66, 9}, {2, 3, 8193}, {129, 130, 3}, {5, 40, 1100}, {7, 70, 40},
	} {
		for k := range 2 {
			all = append(all, launch.Linear{M: s[0], N: s[1], K: s[2], Activation: after(i+3*k, s[0]*s[1]), Profile: kernels.ProfileF32})
		}
	}
	return all
}

func TestAFusedLayerGivesTheBytesOfItsOperators(t *testing.T) {
	p := compiled(t)
	for _, descending := range []bool{false, true} {
		s := started(t, p, descending)
		for i, l := range linears() {
			if err := kernelstest.CheckLinear(s, l, i%2 == 0); err != nil {
				t.Errorf("descending %v: %v", descending, err)
			}
		}
	}
}
