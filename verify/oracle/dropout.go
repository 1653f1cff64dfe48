package oracle

import (
	"math/bits"

	"gorgonia.org/gorgonia"
)

// dropout multiplies by a mask that is 1/(1-p) where the element's random word is at least p*2^32, and 0 elsewhere.
// Elements are numbered within their micro-batch, whose number in the job is the random-number counter.
func (w *walk) dropout(x *gorgonia.Node, p float64, operator uint32, rows, cols int) *gorgonia.Node {
	threshold := uint32(p * (1 << 32))
	each := rows * cols / w.accumulation
	mask := w.matrix(rows, cols, func(i, j int) float64 {
		micro, at := (i*cols+j)/each, (i*cols+j)%each
		counter := uint32(w.batch.Step)*uint32(w.accumulation) + uint32(micro)
		word := philox([4]uint32{uint32(at >> 2), uint32(uint64(at) >> 34), operator, counter}, w.batch.Seed)
		return indicator(word[at&3] >= threshold) / (1 - p)
	})
	return w.times(x, mask)
}

// rowDropout multiplies each sample by 1/(1-p) where its random word is at least p*2^32, and by 0 elsewhere.
func (w *walk) rowDropout(x *gorgonia.Node, p float64, operator uint32, rows, cols int) *gorgonia.Node {
	threshold := uint32(p * (1 << 32))
	mask := w.matrix(rows, cols, func(i, _ int) float64 {
		sample := i / (rows / w.rows)
		micro, at := sample/w.micro, sample%w.micro
		counter := uint32(w.batch.Step)*uint32(w.accumulation) + uint32(micro)
		word := philox([4]uint32{uint32(at >> 2), 0, operator, counter}, w.batch.Seed)
		return indicator(word[at&3] >= threshold) / (1 - p)
	})
	return w.times(x, mask)
}

// philox is Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
func philox(c [4]uint32, seed uint64) [4]uint32 {
	k0, k1 := uint32(seed), uint32(seed>>32)
	for range 10 {
		hi0, lo0 := bits.Mul32(0xd2511f53, c[0])
		hi1, lo1 := bits.Mul32(0xcd9e8d57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0}
		k0, k1 = k0+0x9e3779b9, k1+0xbb67ae85
	}
	return c
}
