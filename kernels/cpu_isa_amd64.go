package kernels

import "golang.org/x/sys/cpu"

// native lists the code paths of this processor, the fastest last.
func native() []ISA {
	var have []ISA
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		have = append(have, AVX2)
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL {
			have = append(have, AVX512)
		}
	}
	return have
}
