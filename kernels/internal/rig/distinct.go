package rig

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Distinct are the buffers of bufs without repetition, and the place there of each of bufs: operands that are
// one slice of numbers stay one, for an operator that writes over its input.
func Distinct(bufs []kernels.Buf) (own []kernels.Buf, index []int) {
	for _, b := range bufs {
		at := slices.IndexFunc(own, func(o kernels.Buf) bool {
			return len(b.F) > 0 && len(o.F) == len(b.F) && &o.F[0] == &b.F[0]
		})
		if at < 0 {
			at = len(own)
			own = append(own, b)
		}
		index = append(index, at)
	}
	return own, index
}
