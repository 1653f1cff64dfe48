package kernels

import "fmt"

// PermuteAxes is the largest number of axes that a Permute moves, the batch among them.
const PermuteAxes = 6

// Permute copies elements of x, bit by bit, to places that strides give: contract.md section 4.3.
//
//	y[i0,...,i5] = x[Offset + i0*Strides[0] + ... + i5*Strides[5]],  i < Sizes
//	x[From] -> y[Sizes]
//
// It serves transpositions, slices and repetitions, whose stride is 0. A shape that reads outside of x is refused.
type Permute struct {
	From    int // elements of x
	Offset  int
	Sizes   [PermuteAxes]int
	Strides [PermuteAxes]int
}

// NewPermute is the Permute of y with sizes and strides, outermost first: without axes of one element, and with those
// made one that lie one behind another in x as in y. ok is false if more than PermuteAxes are left.
func NewPermute(from, offset int, sizes, strides []int) (o Permute, ok bool) {
	var s, t []int // merged, innermost first
	for i := len(sizes) - 1; i >= 0; i-- {
		if sizes[i] == 1 {
			continue
		}
		if k := len(s) - 1; k >= 0 && strides[i] == s[k]*t[k] {
			s[k] *= sizes[i]
			continue
		}
		s, t = append(s, sizes[i]), append(t, strides[i])
	}
	if len(s) > PermuteAxes {
		return Permute{}, false
	}
	o = Permute{From: from, Offset: offset, Sizes: [PermuteAxes]int{1, 1, 1, 1, 1, 1}}
	for k := range s {
		o.Sizes[PermuteAxes-1-k], o.Strides[PermuteAxes-1-k] = s[k], t[k]
	}
	return o, true
}

// Identity says whether y is x.
func (o Permute) Identity() bool {
	const last = PermuteAxes - 1
	return o.Offset == 0 && o.elements() == o.From && o.rows() == 1 && (o.Sizes[last] == 1 || o.Strides[last] == 1)
}

func (o Permute) Name() string { return "permute" }
func (o Permute) Operands() []Operand {
	return []Operand{{"x", F32, o.From, In}, {"y", F32, o.elements(), Out}}
}

// check refuses a shape that reads outside of x.
func (o Permute) check() error {
	left := o.From - 1 - o.Offset // the farthest that strides may reach
	for i, n := range o.Sizes {
		if n == 0 {
			return nil
		}
		if o.Strides[i] > 0 && n > 1 {
			if n-1 > left/o.Strides[i] {
				return fmt.Errorf("permute: axis %d of %d elements, %d apart, leaves x, which has %d", i, n, o.Strides[i], o.From)
			}
			left -= (n - 1) * o.Strides[i]
		}
	}
	if left < 0 {
		return fmt.Errorf("permute: offset %d is outside of x, which has %d", o.Offset, o.From)
	}
	return nil
}

func (o Permute) elements() int { return o.rows() * o.Sizes[PermuteAxes-1] }

// rows is the number of rows of y: runs along its last axis.
func (o Permute) rows() int {
	n := 1
	for _, s := range o.Sizes[:PermuteAxes-1] {
		n *= s
	}
	return n
}

// Turned is the axis of y along which neighbours are neighbours in x, where that is another than the last; -1 if
// there is none. Both sides of a copy then move in blocks over that axis and the last one.
func (o Permute) Turned() int {
	if o.Strides[PermuteAxes-1] > 1 {
		for j, s := range o.Strides[:PermuteAxes-1] {
			if s == 1 && o.Sizes[j] > 1 {
				return j
			}
		}
	}
	return -1
}

// turnedLines is how many neighbours of x a block has: a cache line and a half of them, so that each is read once.
const turnedLines = 32

func (o Permute) pieces(_ *CPU, phase int) int {
	const last = PermuteAxes - 1
	if o.elements() == 0 {
		return 0
	}
	if j := o.Turned(); j >= 0 {
		return onePhase(phase, rowPieces(o.turns(j), turnedLines*o.Sizes[last]))
	}
	return onePhase(phase, rowPieces(o.rows(), o.Sizes[last]))
}

// turns is the number of blocks over axis j and the last.
func (o Permute) turns(j int) int {
	return o.rows() / o.Sizes[j] * ((o.Sizes[j] + turnedLines - 1) / turnedLines)
}

func (o Permute) piece(_ *worker, _, i int, b []Buf) {
	const last = PermuteAxes - 1
	if j := o.Turned(); j >= 0 {
		lo, hi := rowRange(i, o.turns(j), turnedLines*o.Sizes[last])
		for k := lo; k < hi; k++ {
			o.turn(j, k, b[0].F, b[1].F)
		}
		return
	}
	n, stride := o.Sizes[last], o.Strides[last]
	lo, hi := rowRange(i, o.rows(), n)
	at, place := o.row(lo)
	for r := lo; r < hi; r++ {
		y := b[1].F[r*n : (r+1)*n]
		switch stride {
		case 1:
			copy(y, b[0].F[at:at+n])
		case 0:
			fillWith(y, b[0].F[at])
		default:
			x := b[0].F[at:]
			for k := range y {
				y[k] = x[k*stride]
			}
		}
		for k := last - 1; k >= 0; k-- { // the next row's place
			at += o.Strides[k]
			if place[k]++; place[k] < o.Sizes[k] {
				break
			}
			at -= o.Sizes[k] * o.Strides[k]
			place[k] = 0
		}
	}
}

// row is where row r of y begins in x, and its place on each axis but the last.
func (o Permute) row(r int) (at int, place [PermuteAxes]int) {
	at = o.Offset
	for k := PermuteAxes - 2; k >= 0; k-- {
		place[k] = r % o.Sizes[k]
		r /= o.Sizes[k]
		at += place[k] * o.Strides[k]
	}
	return at, place
}

// turn copies block k: up to turnedLines places of axis j, and the whole last axis.
func (o Permute) turn(j, k int, x, y []float32) {
	const last = PermuteAxes - 1
	blocks := (o.Sizes[j] + turnedLines - 1) / turnedLines
	from := k % blocks * turnedLines
	n, stride := o.Sizes[last], o.Strides[last]
	k /= blocks
	at, to, apart, step := o.Offset, 0, 0, n // step: elements of y between neighbours of an axis
	for a := last - 1; a >= 0; a-- {
		if a == j {
			apart = step
		} else {
			place := k % o.Sizes[a]
			k /= o.Sizes[a]
			at += place * o.Strides[a]
			to += place * step
		}
		step *= o.Sizes[a]
	}
	to += from * apart
	at += from
	lines := min(turnedLines, o.Sizes[j]-from)
	for ; lines >= 8; lines, at, to = lines-8, at+8, to+8*apart {
		turnEight(y[to:], x[at:], n, apart, stride)
	}
	for l := range lines {
		row := y[to+l*apart:][:n]
		for t := range row {
			row[t] = x[at+l+t*stride]
		}
	}
}

// turnEight writes eight rows of n elements, apart in y: element t of row l is x[l+t*stride].
func turnEight(y, x []float32, n, apart, stride int) {
	y0, y1, y2, y3 := y[:n], y[apart:][:n], y[2*apart:][:n], y[3*apart:][:n]
	y4, y5, y6, y7 := y[4*apart:][:n], y[5*apart:][:n], y[6*apart:][:n], y[7*apart:][:n]
	for t := range n {
		v := (*[8]float32)(x[t*stride:])
		y0[t], y1[t], y2[t], y3[t] = v[0], v[1], v[2], v[3]
		y4[t], y5[t], y6[t], y7[t] = v[4], v[5], v[6], v[7]
	}
}

// fillWith writes v everywhere.
func fillWith(y []float32, v float32) {
	for i := range y {
		y[i] = v
	}
}
