package kernels

// r128Block is the longest vector that R128 sums in one go. Longer ones are cut into blocks of this
// many elements, and the sums of the blocks are summed by the same rule: R128* of contract.md
// section 3.
const r128Block = 65536

// blocks is the number of R128 blocks in n elements. Nothing is one empty block, whose sum is +0.
func blocks(n int) int { return max(1, (n+r128Block-1)/r128Block) }

// blockRange is the half-open range of elements in block i.
func blockRange(i, n int) (lo, hi int) { return i * r128Block, min((i+1)*r128Block, n) }

// lanes are the 128 partial sums of R128.
type lanes [128]float32

// sum folds the lanes by halves.
func (l *lanes) sum() float32 {
	for h := 64; h > 0; h >>= 1 {
		for j := range h {
			l[j] = l[j] + l[j+h]
		}
	}
	return l[0]
}

// r128 is the sum of at most r128Block elements.
func r128(x []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&127] += v
	}
	return l.sum()
}

// blockFold sums the sums of blocks as they come: R128* of a vector that is never stored. It takes up to
// 2^32 blocks.
type blockFold struct {
	low, high lanes
	n         int
}

// add appends the sum of the next block.
func (f *blockFold) add(s float32) {
	f.low[f.n&127] += s
	f.n++
	if f.n%r128Block == 0 {
		f.high[(f.n/r128Block-1)&127] += f.low.sum()
		f.low = lanes{}
	}
}

// sum is the sum of all the blocks.
func (f *blockFold) sum() float32 {
	if f.n%r128Block != 0 {
		f.high[f.n/r128Block&127] += f.low.sum()
	}
	return f.high.sum()
}

// rowSum is R128* of x.
func (v *vector) rowSum(x []float32) float32 {
	if len(x) <= r128Block {
		return v.sum(x)
	}
	var f blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		f.add(v.sum(x[lo:hi]))
	}
	return f.sum()
}

// rowSumSquares is R128* of x*x.
func (v *vector) rowSumSquares(x []float32) float32 {
	if len(x) <= r128Block {
		return v.sumSquares(x)
	}
	var f blockFold
	for i := range blocks(len(x)) {
		lo, hi := blockRange(i, len(x))
		f.add(v.sumSquares(x[lo:hi]))
	}
	return f.sum()
}

// rowSumProducts is R128* of a*b.
func (v *vector) rowSumProducts(a, b []float32) float32 {
	if len(a) <= r128Block {
		return v.sumProducts(a, b)
	}
	var f blockFold
	for i := range blocks(len(a)) {
		lo, hi := blockRange(i, len(a))
		f.add(v.sumProducts(a[lo:hi], b[lo:hi]))
	}
	return f.sum()
}

func sumSquaresLoop(x []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&127] += float32(v * v)
	}
	return l.sum()
}

func sumProductsLoop(a, b []float32) float32 {
	var l lanes
	b = b[:len(a)]
	for i, v := range a {
		l[i&127] += float32(v * b[i])
	}
	return l.sum()
}
