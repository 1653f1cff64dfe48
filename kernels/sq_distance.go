package kernels

// SqDistance is the squared Euclidean distance of every row of a to every row of b, contract.md section
// 12.1. A word holds two int16 coordinates, the first in its low half; a row of an odd number of
// coordinates ends with a zero. The results are uint32, modulo 2^32, as bit patterns.
//
//	a[M,W], b[N,W] (I32) -> y[M,N] (I32)
type SqDistance struct{ M, N, W int }

func (o SqDistance) Name() string { return "sq_distance" }
func (o SqDistance) Operands() []Operand {
	return []Operand{{"a", I32, o.M * o.W, In}, {"b", I32, o.N * o.W, In}, {"y", I32, o.M * o.N, Out}}
}
func (o SqDistance) pieces(_ *CPU, phase int) int {
	return onePhase(phase, distanceParts(o.M, distanceRows)*distanceParts(o.N, distanceCols))
}
func (o SqDistance) piece(w *worker, _, i int, b []Buf) {
	rows := distanceParts(o.M, distanceRows)
	m, n := i%rows*distanceRows, i/rows*distanceCols
	height, width := min(distanceRows, o.M-m), min(distanceCols, o.N-n)
	from, to := b[0].I[m*o.W:(m+height)*o.W], b[1].I[n*o.W:(n+width)*o.W]
	w.packed.pack(w.distances, to, width, o.W)
	w.packed.distances(b[2].I[m*o.N+n:], o.N, from, height)
}

// A piece of work is a block of this many rows and columns of y: the columns are packed once for all
// of its rows.
const (
	distanceRows = 192
	distanceCols = 128
)

func distanceParts(n, size int) int { return (n + size - 1) / size }

// sqDistanceLoop is the squared distance of two rows of words.
func sqDistanceLoop(a, b []int32) int32 {
	b = b[:len(a)]
	var sum int32
	for k, x := range a {
		y := b[k]
		low := int32(int16(x)) - int32(int16(y))
		high := x>>16 - y>>16
		sum += low*low + high*high
	}
	return sum
}
