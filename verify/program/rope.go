package program

import (
	"math/big"

	"github.com/verifyd/verifyd/kernels"
)

// Rope turns pairs of dimensions of each of Heads heads by angles that grow with the position (Su et al. 2021, arXiv:2104.09864), on
// (context, width). Row t has position Offset + t, and pair i turns by binary32(position * frequency i) radians, as PyTorch's
// models have it. The frequencies are a list, such as a model's own inv_freq with whatever scaling it has, or those of Theta. Pair i is
// the dimensions i and i + pairs, the halves of the head that turn (Llama), or 2i and 2i+1 if Interleaved (GPT-J). Dimensions
// behind the pairs stay.
type Rope struct {
	Heads       int       `json:"heads"`
	Interleaved bool      `json:"interleaved,omitempty"`
	Offset      int       `json:"offset,omitempty"`
	Theta       float64   `json:"theta,omitempty"`       // frequency i is Theta^(-2i/Dims), rounded once
	Dims        int       `json:"dims,omitempty"`        // with Theta: how many dimensions turn; 0 for all
	Frequencies []float32 `json:"frequencies,omitempty"` // radians for each position, of as many pairs
}

// maxTheta bounds the base of the frequencies: their smallest is a normal number.
const maxTheta = 1e12

// maxPairs bounds the list of frequencies in a program.
const maxPairs = 1024

func (Rope) Kind() string { return "rope" }

func (o Rope) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := ranked(in, 2); err != nil {
		return TensorSpec{}, nil, err
	}
	s := in[0].Shape
	if err := within("heads", o.Heads, 1, MaxElements); err != nil {
		return TensorSpec{}, nil, err
	}
	if s[1]%o.Heads != 0 {
		return TensorSpec{}, nil, outOfRange("heads", "width %d is not a multiple of %d", s[1], o.Heads)
	}
	if err := within("context", s[0], 1, kernels.MaxPosition); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("offset", o.Offset, 0, kernels.MaxPosition-s[0]); err != nil {
		return TensorSpec{}, nil, err
	}
	check := o.checkList
	if o.Frequencies == nil {
		check = o.checkTheta
	}
	if err := check(s[1]/o.Heads, o.Offset+s[0]-1); err != nil {
		return TensorSpec{}, nil, err
	}
	return f32(s...), nil, nil
}

// checkList checks the frequencies for heads of so many dimensions, and that the last position has angles.
func (o Rope) checkList(dim, last int) error {
	if o.Theta != 0 || o.Dims != 0 {
		return outOfRange("frequencies", "given together with theta or dims")
	}
	if err := within("frequencies: length", len(o.Frequencies), 1, min(dim/2, maxPairs)); err != nil {
		return err
	}
	for i, f := range o.Frequencies {
		if !(f >= 0 && float32(float32(last)*f) < kernels.MaxPosition) {
			return outOfRange("frequencies", "number %d, %v, is negative or turns position %d by %d radians or more", i, f, last, kernels.MaxPosition)
		}
	}
	return nil
}

func (o Rope) checkTheta(dim, _ int) error {
	if !(o.Theta > 1 && o.Theta <= maxTheta) {
		return outOfRange("theta", "%v is outside (1, %v]", o.Theta, maxTheta)
	}
	if o.Dims == 0 {
		return within("dims: width of a head", dim-dim%2, dim, 2*maxPairs) // odd ones are above
	}
	if err := within("dims", o.Dims, 2, min(dim, 2*maxPairs)); err != nil {
		return err
	}
	if o.Dims%2 != 0 {
		return outOfRange("dims", "%d is odd", o.Dims)
	}
	return nil
}

// frequencies are those of heads of so many dimensions.
func (o Rope) frequencies(dim int) []float32 {
	if o.Frequencies != nil {
		return o.Frequencies
	}
	if o.Dims != 0 {
		dim = o.Dims
	}
	return frequencies(o.Theta, dim)
}

func (o Rope) shape(c *compiler, n *node) kernels.Rope {
	s := n.Output.Shape
	dim := s[1] / o.Heads
	return kernels.Rope{Batch: c.batch, Positions: s[0], Heads: o.Heads, HeadDim: dim, Pairs: len(o.frequencies(dim)), Interleaved: o.Interleaved}
}

func (o Rope) forward(c *compiler, n *node) value {
	s := o.shape(c, n)
	table := kernels.RopeTable{Positions: s.Positions, Offset: o.Offset, Frequencies: kernels.NewFrequencies(o.frequencies(s.HeadDim))}
	n.saved = c.table(table)
	y := c.temp(c.elements(n))
	c.emit(s, n.in[0], n.saved[0], n.saved[1], y)
	return y
}

func (o Rope) backward(c *compiler, n *node) {
	s := o.shape(c, n)
	s.Inverse = true
	dx := c.temp(c.elements(n))
	c.emit(s, n.dy, n.saved[0], n.saved[1], dx)
	c.contribute(n.in[0], dx)
}

// table is the cosines and sines of a table, which is computed where it is needed first.
func (c *compiler) table(op kernels.RopeTable) []value {
	if found, ok := c.tables[op]; ok {
		return found
	}
	if c.tables == nil {
		c.tables = map[kernels.RopeTable][]value{}
	}
	n := op.Positions * op.Frequencies.Len()
	c.tables[op] = []value{c.temp(n), c.temp(n)}
	c.emit(op, c.tables[op]...)
	return c.tables[op]
}

// frequencies are theta^(-2i/dims) for i < dims/2, each rounded to binary32 once: the powers are computed to precision bits, which leaves
// errors far below what could show in 24.
func frequencies(theta float64, dims int) []float32 {
	const precision = 256
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }
	root := number(0).Quo(number(1), rootOf(number(theta), dims, number))
	step := number(0).Mul(root, root)
	all := make([]float32, dims/2)
	power := number(1)
	for i := range all {
		all[i], _ = power.Float32()
		power.Mul(power, step)
	}
	return all
}

// rootOf is the n-th root of x > 1, by Newton's method from above, where it descends to the root.
func rootOf(x *big.Float, n int, number func(float64) *big.Float) *big.Float {
	r := number(1) // 1 + (x-1)/n is at least the root (Bernoulli), and so is a power of two above it
	r.Add(r, number(0).Quo(number(0).Sub(x, number(1)), number(float64(n))))
	if exponent := x.MantExp(nil); exponent/n+1 < r.MantExp(nil) {
		r.SetMantExp(number(1), exponent/n+1)
	}
	for {
		below := number(1) // r^(n-1)
		square := number(0).Copy(r)
		for k := n - 1; k > 0; k >>= 1 {
			if k&1 == 1 {
				below.Mul(below, square)
			}
			square.Mul(square, square)
		}
		over := number(0).Sub(number(0).Mul(below, r), x)
		next := number(0).Sub(r, over.Quo(over, number(0).Mul(below, number(float64(n)))))
		if next.Cmp(r) >= 0 {
			return r
		}
		r = next
	}
}
