package kernels

import (
	"fmt"
	"slices"
)

// ISA names a code path of the CPU backend. All of them give the same bits.
type ISA uint8

// The code paths. Generic is the reference itself, in Go, for any machine.
const (
	Auto ISA = iota
	Generic
	AVX2   // amd64 with AVX2 and FMA3
	AVX512 // amd64 with AVX-512 F, BW, DQ and VL
	NEON   // arm64
)

var isaNames = [...]string{Auto: "auto", Generic: "generic", AVX2: "avx2", AVX512: "avx512", NEON: "neon"}

func (s ISA) String() string {
	if int(s) < len(isaNames) {
		return isaNames[s]
	}
	return fmt.Sprintf("isa(%d)", uint8(s))
}

// ParseISA reads the name of a code path.
func ParseISA(name string) (ISA, error) {
	if i := slices.Index(isaNames[:], name); i >= 0 {
		return ISA(i), nil
	}
	return 0, fmt.Errorf("unknown instruction set %q: want one of %v", name, isaNames)
}

// Available lists the code paths of this machine, the fastest last.
func Available() []ISA { return append([]ISA{Generic}, native()...) }

// resolve replaces Auto and refuses what this machine cannot run.
func (s ISA) resolve() (ISA, error) {
	have := Available()
	if s == Auto {
		return have[len(have)-1], nil
	}
	if !slices.Contains(have, s) {
		return 0, fmt.Errorf("instruction set %v is not available on this machine: it has %v", s, have)
	}
	return s, nil
}
