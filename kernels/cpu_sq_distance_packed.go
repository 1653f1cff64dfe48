package kernels

import "fmt"

// PackedRows are the rows b of SqDistance laid out once for many calls of Distances.
type PackedRows struct{ packed packedRows }

// PackRows lays n rows of w words out for a code path. It fails if the path is not available here, a
// size is negative or b is not n*w words long. It keeps b where the path computes from b itself.
func PackRows(isa ISA, b []int32, n, w int) (*PackedRows, error) {
	isa, err := isa.resolve()
	if err != nil {
		return nil, err
	}
	if n < 0 || w < 0 || len(b) != n*w {
		return nil, fmt.Errorf("rows: %d words given, %d rows of %d words needed", len(b), n, w)
	}
	p := new(PackedRows)
	p.packed.pack(distanceTilesFor(isa), b, n, w)
	return p, nil
}

// Distances computes y[M,N] of SqDistance for m rows a. It may be called from several goroutines.
func (p *PackedRows) Distances(y, a []int32, m int) error {
	n, w := p.packed.n, p.packed.w
	if m < 0 || len(a) != m*w || len(y) != m*n {
		return fmt.Errorf("distances: %d words to %d results given, %d to %d needed", len(a), len(y), m*w, m*n)
	}
	p.packed.distances(y, n, a, m)
	return nil
}

// packedRows are n rows of w words, as they are or in panels of tiles.cols rows: word k of row j is
// at (j/cols*w+k)*cols + j%cols. Rows past n are zero.
type packedRows struct {
	tiles  *distanceTiles // nil for the reference's loop
	n, w   int
	rows   []int32 // without tiles
	panels []int32
	norms  []int32 // the squared length of each row, zero past n
}

// pack lays rows out in memory that it reuses.
func (p *packedRows) pack(tiles *distanceTiles, rows []int32, n, w int) {
	p.tiles, p.n, p.w, p.rows = tiles, n, w, rows
	if tiles == nil {
		return
	}
	cols := tiles.cols
	count := distanceParts(n, cols)
	p.panels, p.norms = resized(p.panels, count*cols*w), resized(p.norms, count*cols)
	for panel := range count {
		at := p.panels[panel*cols*w : (panel+1)*cols*w]
		for j := range cols {
			row := panel*cols + j
			if row >= n {
				p.norms[row] = 0
				for k := range w {
					at[k*cols+j] = 0
				}
				continue
			}
			words := rows[row*w : (row+1)*w]
			p.norms[row] = sqLength(words)
			for k, x := range words {
				at[k*cols+j] = x
			}
		}
	}
}

// resized is s with n elements of any content.
func resized(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// sqLength is the squared length of a row.
func sqLength(a []int32) int32 {
	var sum int32
	for _, x := range a {
		low, high := int32(int16(x)), x>>16
		sum += low*low + high*high
	}
	return sum
}

// distances sets y[i*stride+j] to the distance of row i of a, m rows, to packed row j.
func (p *packedRows) distances(y []int32, stride int, a []int32, m int) {
	if p.tiles == nil || p.w == 0 {
		for i := range m {
			for j := range p.n {
				y[i*stride+j] = sqDistanceLoop(a[i*p.w:(i+1)*p.w], p.row(j))
			}
		}
		return
	}
	cols := p.tiles.cols
	for first := 0; first < m; first += len(p.tiles.tile) {
		height := min(len(p.tiles.tile), m-first)
		from := a[first*p.w : (first+height)*p.w]
		var norms [maxDistanceRows]int32
		for i := range height {
			norms[i] = sqLength(from[i*p.w : (i+1)*p.w])
		}
		tile := p.tiles.tile[height-1]
		for j := 0; j < p.n; j += cols {
			panel := &p.panels[j*p.w]
			if j+cols <= p.n {
				tile(p.w, &from[0], p.w, panel, &norms[0], &p.norms[j], &y[first*stride+j], stride)
				continue
			}
			var edge [maxDistanceRows * maxDistanceCols]int32
			tile(p.w, &from[0], p.w, panel, &norms[0], &p.norms[j], &edge[0], cols)
			for i := range height {
				copy(y[(first+i)*stride+j:(first+i)*stride+p.n], edge[i*cols:])
			}
		}
	}
}

// row is row j, where rows are kept as they are or have no words.
func (p *packedRows) row(j int) []int32 { return p.rows[j*p.w : (j+1)*p.w] }
