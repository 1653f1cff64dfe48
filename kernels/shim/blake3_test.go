package shim_test

import (
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
)

// hashLengths are round blocks of 16 words, chunks of 256, levels of the tree and pieces of 2^18.
var hashLengths = []int{
	1, 2, 15, 16, 17, 255, 256, 257, 512, 513, 767, 1024, 1026, 1280, 1792, 5000, 66002, 1<<18 - 1, 1 << 18, 1<<18 + 1, 1<<19 + 300,
}

func TestDigestsAreThoseOfBLAKE3WithCanonicalNaN(t *testing.T) {
	for _, descending := range []bool{false, true} {
		s := started(t, compiled(t), descending)
		for _, n := range hashLengths {
			if err := kernelstest.CheckDigests(s, n); err != nil {
				t.Error(err)
			}
		}
	}
}
