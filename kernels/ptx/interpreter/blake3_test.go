package interpreter_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
)

func TestDigestsAreThoseOfBLAKE3WithCanonicalNaN(t *testing.T) {
	m := machine(t, 1)
	for _, n := range []int{1, 16, 17, 256, 257, 1280, 5001} {
		if err := kernelstest.CheckDigests(m, n); err != nil {
			t.Error(err)
		}
	}
}
