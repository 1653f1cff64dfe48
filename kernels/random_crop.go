package kernels

import (
	"fmt"
	"math/bits"
)

// RandomCrop cuts a rectangle out of each image, which has a border of Pad zeros, at a place drawn for the image:
// contract.md section 8.5. All channels have the same place. OutH is at most H+2*Pad, OutW likewise.
//
//	x[N,C,H,W], rng[4] (I32) -> y[N,C,OutH,OutW]
type RandomCrop struct {
	N, C, H, W, OutH, OutW, Pad int
	OpID                        uint32
}

func (o RandomCrop) Name() string { return "random_crop" }
func (o RandomCrop) Operands() []Operand {
	return []Operand{{"x", F32, o.N * o.C * o.H * o.W, In}, {"rng", I32, 4, In}, {"y", F32, o.N * o.C * o.OutH * o.OutW, Out}}
}
func (o RandomCrop) kernel() Kernel {
	return Kernel{"drn1_random_crop", []uint32{uint32(o.C), uint32(o.H), uint32(o.W), uint32(o.OutH), uint32(o.OutW), uint32(o.Pad), o.OpID}}
}

// places is the number of places of a cut of out elements on a side of n elements with its border.
func (o RandomCrop) places(n, out int) uint32 { return uint32(n + 2*o.Pad - out + 1) }

// check refuses a cut that is larger than its image with the border.
func (o RandomCrop) check() error {
	if o.OutH > o.H+2*o.Pad || o.OutW > o.W+2*o.Pad {
		return fmt.Errorf("random_crop: %d x %d of images of %d x %d with a border of %d", o.OutH, o.OutW, o.H, o.W, o.Pad)
	}
	return nil
}

func (o RandomCrop) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.N*o.C, o.OutH*o.OutW))
}

func (o RandomCrop) piece(_ *worker, _, i int, b []Buf) {
	s := newStream(b[1].I, o.OpID)
	lo, hi := rowRange(i, o.N*o.C, o.OutH*o.OutW)
	for p := lo; p < hi; p++ {
		r := s.words(uint64(p / o.C))
		top, _ := bits.Mul32(r[0], o.places(o.H, o.OutH))
		left, _ := bits.Mul32(r[1], o.places(o.W, o.OutW))
		x, y := b[0].F[p*o.H*o.W:(p+1)*o.H*o.W], b[2].F[p*o.OutH*o.OutW:(p+1)*o.OutH*o.OutW]
		from := int(left) - o.Pad // of the image, in each row
		for h := range o.OutH {
			row := y[h*o.OutW : (h+1)*o.OutW]
			at := h + int(top) - o.Pad
			if at < 0 || at >= o.H {
				clear(row)
				continue
			}
			before := min(max(0, -from), o.OutW) // zeros of the left border
			clear(row[:before])
			n := 0
			if first := from + before; before < o.OutW && first < o.W {
				n = copy(row[before:], x[at*o.W+first:(at+1)*o.W])
			}
			clear(row[before+n:])
		}
	}
}

// RandomFlip mirrors image n, its columns reversed, if its random word is below Threshold: contract.md section 8.6.
//
//	x[N,C,H,W], rng[4] (I32) -> y[N,C,H,W]
type RandomFlip struct {
	N, C, H, W int
	Threshold  uint32
	OpID       uint32
}

func (o RandomFlip) Name() string { return "random_flip" }
func (o RandomFlip) Operands() []Operand {
	n := o.N * o.C * o.H * o.W
	return []Operand{{"x", F32, n, In}, {"rng", I32, 4, In}, {"y", F32, n, Out}}
}
func (o RandomFlip) kernel() Kernel {
	return Kernel{"drn1_random_flip", []uint32{uint32(o.C * o.H), uint32(o.W), o.Threshold, o.OpID}}
}

func (o RandomFlip) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(o.N, o.C*o.H*o.W))
}

func (o RandomFlip) piece(_ *worker, _, i int, b []Buf) {
	s := newStream(b[1].I, o.OpID)
	size := o.C * o.H * o.W
	lo, hi := rowRange(i, o.N, size)
	for n := lo; n < hi; n++ {
		x, y := b[0].F[n*size:(n+1)*size], b[2].F[n*size:(n+1)*size]
		if s.words(uint64(n) >> 2)[n&3] >= o.Threshold {
			copy(y, x)
			continue
		}
		for r := 0; r < size; r += o.W {
			row, mirrored := x[r:r+o.W], y[r:r+o.W]
			for k, v := range row {
				mirrored[len(mirrored)-1-k] = v
			}
		}
	}
}
