package kernels

// gemmCut is how a product is cut into pieces: blocks of rows x cols outputs. If shared, the first
// phase packs b for all workers, because several blocks need the same columns.
type gemmCut struct {
	rows, cols int
	shared     bool
}

// Products below smallestPiece multiplications are not worth handing over. Packing pays for a phase of
// its own from fewestShared elements of b; beyond mostShared it would take too much memory.
const (
	smallestPiece = 1 << 18
	fewestShared  = 1 << 15
	mostShared    = 1 << 23
)

// cut makes a few pieces for each worker.
func (o Gemm) cut(c *CPU) gemmCut {
	t := c.workers[0].tiles
	cut := gemmCut{rows: o.M, cols: o.N}
	if o.M == 0 || o.N == 0 || o.K == 0 {
		return cut
	}
	if t == nil {
		cut.rows = 1
		return cut
	}
	want := 1
	if n := len(c.workers); n > 1 {
		want = min(4*n, o.M*o.N*o.K/smallestPiece)
	}
	may := o.K*o.N >= fewestShared && o.K*o.N <= mostShared
	down, across := 1, 1
	for down*across < want {
		// Blocks of whole rows repack nothing if b is shared; otherwise square ones repack least.
		high := cut.rows > 4*t.rows
		switch {
		case high && (may || cut.rows >= cut.cols || cut.cols <= 2*t.cols):
			down *= 2
			cut.rows = roundUp(o.M, down, t.rows)
		case cut.cols > 2*t.cols:
			across *= 2
			cut.cols = roundUp(o.N, across, t.cols)
		default:
			want = 0
		}
	}
	cut.shared = may && down > 1
	return cut
}

// roundUp is the size of each of parts of n, in whole units.
func roundUp(n, parts, unit int) int { return (n + parts*unit - 1) / (parts * unit) * unit }

// down and across are the numbers of pieces, chunks and strips those of the first phase.
func (t gemmCut) down(o Gemm) int   { return (o.M + t.rows - 1) / t.rows }
func (t gemmCut) across(o Gemm) int { return (o.N + t.cols - 1) / t.cols }
func (t gemmCut) chunks(o Gemm) int { return (o.K + o.Profile.Chunk() - 1) / o.Profile.Chunk() }
func (t gemmCut) strips(o Gemm) int { return (o.N + packWidth - 1) / packWidth }
