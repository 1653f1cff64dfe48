package shapley

import "math/big"

// fewestPairs are the samples of a run without bounds for which nobody asked otherwise: t-intervals of smooth games hold from 8 on (value study), and have come down to half of their width by these.
const fewestPairs = 16

// mostPairs are the most samples that are advised.
const mostPairs = 1 << 12

// Advised is a budget for a game of which only its facts are known, and the half-width that all players' intervals will
// have at about the least, in thousandths of the range of utilities; 0 if that cannot be known before. For a
// game with bounds it is as many samples as it takes for intervals of a tenth of the range where
// samples hardly differ: before that an interval says next to nothing.
func (e Estimator) Advised(f Facts, players, level int) (budget, thousandths int) {
	switch {
	case e.Unit == None:
		return 0, 0
	case e.Unit == Coalitions:
		return 8, 0 // these have no intervals to ask for
	case f.Bounds == nil:
		return fewestPairs, 0
	}
	stake, _ := big.NewRat(int64(2*1000*max(1, players-len(f.Null))), int64(1000-level)).Float64()
	l, _ := logUp(stake).Float64()
	for budget = 8; ; budget *= 2 {
		x := make([]float64, budget)
		for t := range x {
			x[t] = 0.5
		}
		low, _ := betting(x, stake, l)
		thousandths = int(1000 * 2 * (0.5 - low)) // a sample's range is twice that of utilities
		if thousandths <= 100 || budget == mostPairs {
			return budget, thousandths
		}
	}
}
