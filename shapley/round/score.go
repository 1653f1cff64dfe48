package round

import (
	"math"

	"github.com/verifyd/verifyd/shapley"
)

// MaxLoss is the largest loss of a position. Larger ones, and NaN, count as this much: a ruined model has
// a utility too.
const MaxLoss = 1000

// scoreOf is the score of a coalition from the sum of its positions'.
func (g *Game) scoreOf(sum int64) int64 {
	if g.options.Utility == Loss {
		return divide(sum, int64(g.layout.rows*g.layout.scored))
	}
	return divide(sum*shapley.Unit, int64(g.layout.rows*g.layout.scored)) // below 2^52
}

// fixed is a loss in units of 1e-9, rounded half to even.
func fixed(loss float32) int64 {
	switch {
	case loss < -MaxLoss:
		return -MaxLoss * shapley.Unit
	case loss <= MaxLoss:
		return int64(math.RoundToEven(float64(loss) * shapley.Unit))
	}
	return MaxLoss * shapley.Unit
}

// correct counts the positions whose label's output is above those before it and no lower than those
// behind it: the first of the largest wins. A NaN there makes a position wrong.
func correct(out []float32, labels []int32, cols int) int64 {
	n := int64(0)
	for p, label := range labels {
		row := out[p*cols : (p+1)*cols]
		top, ok := row[label], true
		for j, v := range row {
			ok = ok && (v < top || v == top && j >= int(label))
		}
		if ok {
			n++
		}
	}
	return n
}

// divide is a/b for b > 0, rounded half to even.
func divide(a, b int64) int64 {
	q, r := a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	if r > b-r || r == b-r && q&1 != 0 {
		q++
	}
	return q
}
