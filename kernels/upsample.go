package kernels

import "fmt"

// UpsampleShape is the geometry of resampling: planes of HxW elements to planes of OutHxOutW. No side is above
// MaxUpsampled.
type UpsampleShape struct{ Planes, H, W, OutH, OutW int }

// MaxUpsampled is the longest side that is resampled: positions are exact in 32 bits.
const MaxUpsampled = 1 << 14

func (s UpsampleShape) in() int  { return s.H * s.W }
func (s UpsampleShape) out() int { return s.OutH * s.OutW }

func (s UpsampleShape) operands(a, b string, forward bool) []Operand {
	x, y := s.Planes*s.in(), s.Planes*s.out()
	if !forward {
		x, y = y, x
	}
	return []Operand{{a, F32, x, In}, {b, F32, y, Out}}
}

// pieces cuts the operator into pieces of whole planes.
func (s UpsampleShape) pieces(_ *CPU, phase int) int {
	return onePhase(phase, rowPieces(s.Planes, max(s.in(), s.out())))
}

func (s UpsampleShape) planeRange(i int) (lo, hi int) {
	return rowRange(i, s.Planes, max(s.in(), s.out()))
}

// UpsampleNearest takes for each output the input under it, contract.md section 16.1.
//
//	x[Planes,H,W] -> y[Planes,OutH,OutW]
type UpsampleNearest struct{ UpsampleShape }

func (o UpsampleNearest) Name() string        { return "upsample_nearest2d" }
func (o UpsampleNearest) Operands() []Operand { return o.operands("x", "y", true) }
func (o UpsampleNearest) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := o.planeRange(i)
	for p := lo; p < hi; p++ {
		x, y := b[0].F[p*o.in():][:o.in()], b[1].F[p*o.out():][:o.out()]
		for oh := range o.OutH {
			line, row := x[oh*o.H/o.OutH*o.W:][:o.W], y[oh*o.OutW:][:o.OutW]
			if oh > 0 && oh*o.H/o.OutH == (oh-1)*o.H/o.OutH {
				copy(row, y[(oh-1)*o.OutW:])
				continue
			}
			if o.OutW == 2*o.W {
				for w, v := range line {
					row[2*w], row[2*w+1] = v, v
				}
				continue
			}
			for ow := range row {
				row[ow] = line[ow*o.W/o.OutW]
			}
		}
	}
}

// UpsampleNearestGrad adds up for each input the outputs that took it, contract.md section 16.1.
//
//	dy[Planes,OutH,OutW] -> dx[Planes,H,W]
type UpsampleNearestGrad struct{ UpsampleShape }

func (o UpsampleNearestGrad) Name() string        { return "upsample_nearest2d_grad" }
func (o UpsampleNearestGrad) Operands() []Operand { return o.operands("dy", "dx", false) }
func (o UpsampleNearestGrad) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := o.planeRange(i)
	for p := lo; p < hi; p++ {
		dy, dx := b[0].F[p*o.out():][:o.out()], b[1].F[p*o.in():][:o.in()]
		clear(dx)
		for oh := range o.OutH {
			line, row := dx[oh*o.H/o.OutH*o.W:][:o.W], dy[oh*o.OutW:][:o.OutW]
			if o.OutW == 2*o.W {
				for w := range line {
					line[w] = line[w] + row[2*w] + row[2*w+1]
				}
				continue
			}
			for ow, v := range row {
				line[ow*o.W/o.OutW] += v
			}
		}
	}
}

// check refuses sides that are none or too long.
func (s UpsampleShape) check() error {
	for _, n := range [...]int{s.H, s.W, s.OutH, s.OutW} {
		if n < 1 || n > MaxUpsampled {
			return fmt.Errorf("resampling: a side of %d is outside 1 to %d", n, MaxUpsampled)
		}
	}
	return nil
}
