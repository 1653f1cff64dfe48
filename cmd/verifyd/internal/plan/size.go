package plan

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/odds"
)

// Work is what the size of a claim's openings and the time of its replays follow from.
type Work struct {
	Steps, Stride uint64
	State, Step   uint64   // bytes of a state, and of what each step of an opened segment adds; 0 if not known
	Seconds       *big.Rat // that one device needs to replay a step; nil if not known
}

// Segments is N.
func (w Work) Segments() uint64 { return (w.Steps + w.Stride - 1) / w.Stride }

// Cost is what drawing so many segments costs: those, and the last one besides.
type Cost struct {
	Segments uint64   // opened, at most
	Bytes    uint64   // of the opening before compression, at most; the largest number if it is more
	Steps    uint64   // replayed, at most
	Seconds  *big.Rat // on one device, with that of the steps; nil if it is not known
}

// Cost is that of a claim of which so many segments are drawn.
func (w Work) Cost(drawn uint64) Cost {
	c := Cost{Segments: min(drawn+1, w.Segments())}
	c.Steps = min(c.Segments*w.Stride, w.Steps)
	c.Bytes = sum(product(c.Segments, w.State), product(c.Steps, w.Step))
	if w.Seconds != nil {
		c.Seconds = new(big.Rat).SetInt(new(big.Int).SetUint64(c.Steps))
		c.Seconds.Mul(c.Seconds, w.Seconds)
	}
	return c
}

// Wider is the least stride from the work's own on with which an opening under these terms has so many bytes at most,
// with the same share of the segments drawn and no fewer than the usual number; false if there is none.
func (w Work) Wider(t odds.Terms, limit uint64) (Work, odds.Terms, bool) {
	share := t.Least
	for ; w.Stride <= job.MaxStride; w.Stride++ {
		n := w.Segments()
		usual, most := odds.Usual(n)
		u := t
		u.Segments, u.Most = n, min(most, scaled(t.Most, n, t.Segments))
		u.Least = min(max(usual, scaled(share, n, t.Segments)), most)
		u.Most = max(u.Most, u.Least)
		if w.Cost(u.Least).Bytes <= limit {
			return w, u, true
		}
	}
	return w, t, false
}

// scaled is k n / of, rounded up.
func scaled(k, n, of uint64) uint64 {
	return (k*n + of - 1) / of // 2^12 times 2^24
}

func product(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high > 0 {
		return math.MaxUint64
	}
	return low
}

func sum(a, b uint64) uint64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxUint64
}
