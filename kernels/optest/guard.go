package optest

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

const (
	guardWords = 64         // guard words on either side of a buffer
	guardWord  = 0xbadc0ffe // a value that no operator writes by accident
	poison     = 0xdeadbeef // what output buffers hold before a run
)

// arena is one buffer with guard words on both sides.
type arena struct {
	all  kernels.Buf // guards and content
	from int         // where the content begins
	n    int
}

// place copies b between guard words, offset elements past a 64-byte boundary of the arena.
func place(b kernels.Buf, offset int) arena {
	a := arena{from: guardWords + offset, n: length(b)}
	size := a.from + a.n + guardWords
	if b.I != nil {
		a.all.I = make([]int32, size)
		for i := range a.all.I {
			a.all.I[i] = int32(guardWord - 1<<32)
		}
		copy(a.all.I[a.from:], b.I)
		return a
	}
	a.all.F = make([]float32, size)
	for i := range a.all.F {
		a.all.F[i] = math.Float32frombits(guardWord)
	}
	copy(a.all.F[a.from:], b.F)
	return a
}

// content is the buffer that a backend is given.
func (a arena) content() kernels.Buf {
	if a.all.I != nil {
		return kernels.Buf{I: a.all.I[a.from : a.from+a.n]}
	}
	return kernels.Buf{F: a.all.F[a.from : a.from+a.n]}
}

// intact returns an error if a guard word was written.
func (a arena) intact() error {
	for i := range length(a.all) {
		if i >= a.from && i < a.from+a.n {
			continue
		}
		if word(a.all, i) != guardWord {
			return fmt.Errorf("%w: wrote outside its buffer: element %d of %d", ErrBits, i-a.from, a.n)
		}
	}
	return nil
}

// word is the bit pattern of element i.
func word(b kernels.Buf, i int) uint32 {
	if b.I != nil {
		return uint32(b.I[i])
	}
	return math.Float32bits(b.F[i])
}

// result is the bit pattern of element i as it is compared.
func result(b kernels.Buf, i int) uint32 {
	if b.I != nil {
		return uint32(b.I[i])
	}
	return canonical(b.F[i])
}
