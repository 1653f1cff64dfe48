package kernels

// PoolShape is the geometry of a pooling operator: N images of C planes of HxW, windows of KHxKW.
type PoolShape struct {
	N, C, H, W                           int
	KH, KW, StrideH, StrideW, PadH, PadW int
}

// OutH is the height of the output, OutW its width.
func (s PoolShape) OutH() int { return windows(s.H, s.KH, s.StrideH, s.PadH) }
func (s PoolShape) OutW() int { return windows(s.W, s.KW, s.StrideW, s.PadW) }

// windows is the number of windows of k elements along a side of n elements between two borders of
// pad, 0 for a shape that makes no sense.
func windows(n, k, stride, pad int) int {
	if stride < 1 || k < 1 || pad < 0 || n+2*pad < k {
		return 0
	}
	return (n+2*pad-k)/stride + 1
}

// in and out are the elements of the whole input and output.
func (s PoolShape) in() int  { return s.N * s.C * s.H * s.W }
func (s PoolShape) out() int { return s.N * s.C * s.OutH() * s.OutW() }

// planes cuts the operator into pieces of whole planes.
func (s PoolShape) planes(phase int) int { return onePhase(phase, rowPieces(s.N*s.C, s.H*s.W)) }

// planeRange is the half-open range of planes in piece i.
func (s PoolShape) planeRange(i int) (lo, hi int) { return rowRange(i, s.N*s.C, s.H*s.W) }

// rows are the rows of the input under the windows of output row oh, and cols likewise.
func (s PoolShape) rows(oh int) (lo, hi int) {
	at := oh*s.StrideH - s.PadH
	return max(at, 0), min(at+s.KH, s.H)
}

func (s PoolShape) cols(ow int) (lo, hi int) {
	at := ow*s.StrideW - s.PadW
	return max(at, 0), min(at+s.KW, s.W)
}
