package gate

import "math/big"

// Reason is why a step is outside of the gate.
type Reason string

// The reasons.
const (
	TooLittleWork  Reason = "work"    // fewer effective and different multiply-adds than an honest step has
	TooFewRows     Reason = "rows"    // units of a layer are dead or equal, or samples are equal
	TooManyDrowned Reason = "drowned" // biases, or one branch of a sum, drown the other terms
	TooManyZeros   Reason = "zero"    // gradients vanish
	TooStill       Reason = "still"   // gradients do not, and an update leaves a parameter where it was
)

// leastMoving is how many elements with a gradient a parameter must show before it can be still.
const leastMoving = 16

// Outside is why a step is outside of the gate, in the order of the reasons; nothing for a step that is inside. Quotients
// are compared exactly. With r what the reference has at this step,
//
//	work     4*work < 3*r, and 5*work < 4*r where the reference is a start and no curve
//	rows     of an operand of a product, d different rows fewer than r has, of n that were looked at:
//	         rows that are units of a layer  d > n/16 and (16d-n)^2 > 128n, that is d > n/16 + 0.7 sqrt(n)
//	         rows that are samples           d > n/5 and (5d-n)^2 > 25n, that is d > n/5 + sqrt(n)
//	         beside a start: a quarter instead of a sixteenth, and half instead of a fifth, with sqrt(n)
//	drowned  drowned/added > r + 1/5
//	zero     zero/elements > 3/5 and > r + 3/10
//	still    of a parameter of which 16 elements or more have a gradient, more than 3/4 of those are still, at a step
//	         at which its group has a learning rate, of at least a hundredth of its highest
func (r *Reference) Outside(c *Counters) (reasons []Reason) {
	got, point := c.Totals(), r.at(c.Step)
	ref := point.Totals
	least := share{3, 4}
	if r.Alone() {
		least = share{4, 5}
	}
	if times(got.Work, least.of).Cmp(times(ref.Work, least.parts)) < 0 {
		reasons = append(reasons, TooLittleWork)
	}
	if c.fewRows(point.Rows, r.Alone()) {
		reasons = append(reasons, TooFewRows)
	}
	if above(got.Drowned, got.Added, ref.Drowned, ref.Added, share{1, 5}) {
		reasons = append(reasons, TooManyDrowned)
	}
	if above(got.Zero, got.Elements, 0, 1, share{3, 5}) && above(got.Zero, got.Elements, ref.Zero, ref.Elements, share{3, 10}) {
		reasons = append(reasons, TooManyZeros)
	}
	for _, t := range c.Tensors {
		if moving := t.Seen - t.Zero; moving >= leastMoving && 4*t.Still > 3*moving && c.Updated[t.Group] {
			return append(reasons, TooStill)
		}
	}
	return reasons
}

// fewRows says whether an operand of a product has so few different rows beside a reference that it shows.
func (c *Counters) fewRows(ref []uint32, alone bool) bool {
	for i := range min(len(c.Products), len(ref)/2) {
		if p := &c.Products[i]; p.A.few(ref[2*i], alone) || p.B.few(ref[2*i+1], alone) {
			return true
		}
	}
	return false
}

// few says whether there are fewer different rows than ref, by more than honest steps differ: a part of those looked at, and
// what chance makes of some.
func (r Rows) few(ref uint32, alone bool) bool {
	// d > n/part + sqrt(over*n)/part.
	part, over := int64(16), int64(128)
	switch {
	case alone && r.Units:
		part, over = 4, 16
	case alone:
		part, over = 2, 4
	case !r.Units:
		part, over = 5, 25
	}
	n := int64(r.N)
	excess := part*(int64(ref)-int64(r.D)) - n
	return excess > 0 && excess*excess > over*n
}

// share is parts of so many.
type share struct{ parts, of uint64 }

// above says whether a/n > b/m + s; a quotient of nothing is 0.
func above(a, n, b, m uint64, s share) bool {
	if n == 0 {
		return false
	}
	if m == 0 {
		b, m = 0, 1
	}
	limit := new(big.Int).Add(times(b, n, s.of), times(m, n, s.parts))
	return times(a, m, s.of).Cmp(limit) > 0
}

func times(factors ...uint64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, new(big.Int).SetUint64(f))
	}
	return p
}
