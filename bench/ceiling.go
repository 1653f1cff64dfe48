package bench

import (
	"strings"

	"github.com/verifyd/verifyd/cgo"
)

// ceilings are what a GPU cannot exceed, from its data sheet. They make the floors that stand beside
// the measures.
type ceilings struct {
	flops     float64 // fused multiply-adds of binary32, two operations each, a second
	bandwidth float64 // bytes of device memory a second
	hash      float64 // bytes of BLAKE3 a second
}

// sheet has the clock (Hz) and the memory bandwidth of devices, by a part of their name. Sources: NVIDIA's
// data sheets of V100, A100, L4, A10, H100 and H200.
var sheet = []struct {
	name             string
	clock, bandwidth float64
}{
	{"H200", 1.98e9, 4.8e12},
	{"H100 PCIe", 1.755e9, 2.0e12},
	{"H100", 1.98e9, 3.35e12},
	{"A100", 1.41e9, 2.0e12},
	{"V100", 1.53e9, 0.9e12},
	{"A10", 1.695e9, 0.6e12},
	{"L4", 2.04e9, 0.3e12},
}

// ceilingsOf are those of a device; nil if it is on no sheet.
func ceilingsOf(i cgo.Info) *ceilings {
	for _, s := range sheet {
		if strings.Contains(i.Name, s.name) {
			lanes := 128.0 // binary32 units of a multiprocessor
			if 10*i.Major+i.Minor == 80 || i.Major == 7 {
				lanes = 64
			}
			// 784 integer operations hash 64 bytes, and half of the lanes do them: kernels/blake3.cu.
			return &ceilings{
				flops:     float64(i.SMs) * lanes * 2 * s.clock,
				bandwidth: s.bandwidth,
				hash:      min(s.bandwidth, float64(i.SMs)*64*s.clock/784*64),
			}
		}
	}
	return nil
}

// floor is the least time in which so many operations are done and bytes moved, in seconds; 0 if the device is
// not known.
func (c *ceilings) floor(flops, bytes float64) float64 {
	if c == nil {
		return 0
	}
	return max(flops/c.flops, bytes/c.bandwidth)
}
