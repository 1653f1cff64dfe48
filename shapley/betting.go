package shapley

import "math"

// MaxKept bounds the samples that are kept for betting intervals: players times samples. Above it they are empirical
// Bernstein bounds, which need none.
const MaxKept = 1 << 25

// How a bettor bets. The most that a bet may lose is maxBet of what is left; before any sample it takes the deviation to be
// priorVariance.
const (
	maxBet        = 0.85
	priorVariance = 0.25
)

// slack is what the threshold of a bettor's wealth is raised by: 2^-20, and all roundings of 2^24 samples together
// change a wealth by less than 2^-25.
const slack = 1 + 0x1p-20

// betting is an interval for the mean of independent samples x of one distribution on [0, 1], for any such distribution and any
// number of samples: it misses the mean with a probability of at most 2/stake. It is the hedged capital of Waudby-Smith and
// Ramdas ("Estimating means of bounded random variables by betting", JRSS B 2024, section 4.4): whoever bets against the
// mean m, before each sample, on it being above or below, multiplies a stake of 1 by
//
//	prod over t of 1 + min(lambda_t, maxBet/m) (x_t - m)  and  prod of 1 - min(lambda_t, maxBet/(1-m)) (x_t - m)
//
// which has an expectation of 1 if m is the mean, so that by Markov's inequality it reaches stake with a probability of at most
// 1/stake. Each product is monotone in m, and those m belong to the interval where neither reaches it. The bets are
//
//	lambda_t = sqrt(2 ln(stake) / (n v_t)),  v_t the variance of the samples before t and one of priorVariance
//
// and may be anything that samples before t decide: no rounding in them spoils the level. All is binary64, every rounding
// written; low and high are multiples of 2^-40, and outside the truth.
func betting(x []float64, stake, logStake float64) (low, high float64) {
	bets := betsOf(x, logStake)
	low = rejected(x, bets, stake*slack)
	for t, v := range x {
		x[t] = 1 - v
	}
	high = 1 - rejected(x, bets, stake*slack)
	for t, v := range x {
		x[t] = 1 - v
	}
	return low, high
}

// betsOf are lambda_t.
func betsOf(x []float64, logStake float64) []float64 {
	bets := make([]float64, len(x))
	sum, squares := 0.5, priorVariance
	for t, v := range x {
		n := float64(t + 1)
		bets[t] = math.Sqrt(float64(2*logStake) / float64(float64(len(x))*(squares/n)))
		sum += v
		d := v - sum/(n+1)
		squares += float64(d * d)
	}
	return bets
}

// rejected is the largest multiple of 2^-40 that a bet on more wins against; 0 if there is none.
func rejected(x, bets []float64, stake float64) float64 {
	lo, hi := int64(0), int64(1)<<40 // lo is rejected or 0
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if wins(x, bets, float64(mid)*0x1p-40, stake) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return float64(lo) * 0x1p-40
}

// wins says whether betting on more than m reaches the stake. The wealth is scaled by powers of two, which round nothing.
func wins(x, bets []float64, m, stake float64) bool {
	most := maxBet / m
	wealth, scale := 1.0, 0
	for t, v := range x {
		wealth *= 1 + float64(min(bets[t], most)*(v-m))
		if wealth > 0x1p500 {
			wealth, scale = wealth*0x1p-500, scale+1
		} else if wealth < 0x1p-500 {
			wealth, scale = wealth*0x1p500, scale-1
		}
	}
	return scale > 0 || scale == 0 && wealth >= stake
}
