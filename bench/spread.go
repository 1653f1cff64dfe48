package bench

import (
	"slices"
	"time"
)

// Spread sums up the samples of one contender. Times are seconds for one unit of work.
type Spread struct {
	Median  float64 `json:"median"`
	Q1      float64 `json:"q1"`
	Q3      float64 `json:"q3"`
	Best    float64 `json:"best"`
	CPU     float64 `json:"cpu_median"` // process time, which a busy neighbour disturbs less
	Samples int     `json:"samples"`
}

// spreadOf returns the quartiles of the samples.
func spreadOf(samples []Sample) Spread {
	wall := seconds(samples, func(s Sample) time.Duration { return s.Wall })
	cpu := seconds(samples, func(s Sample) time.Duration { return s.CPU })
	return Spread{
		Median:  quantile(wall, 0.5),
		Q1:      quantile(wall, 0.25),
		Q3:      quantile(wall, 0.75),
		Best:    quantile(wall, 0),
		CPU:     quantile(cpu, 0.5),
		Samples: len(samples),
	}
}

// Ratio compares two contenders that ran in alternation: how many times faster the first is. Each round's
// pair is compared, so that a machine whose speed drifts from round to round disturbs it least.
type Ratio struct {
	Median float64 `json:"pair_median"`    // second's time over the first's, over the rounds
	Q1     float64 `json:"pair_q1"`        //
	Q3     float64 `json:"pair_q3"`        //
	Best   float64 `json:"of_bests"`       // second's best over the first's: the machine left alone, if ever it was
	CPU    float64 `json:"of_cpu_medians"` // the same by process time; of use with one thread only
}

// ratioOf compares samples taken in the same rounds.
func ratioOf(ours, peer []Sample) Ratio {
	a, b := spreadOf(ours), spreadOf(peer)
	var pairs []float64
	for i := range min(len(ours), len(peer)) {
		pairs = append(pairs, float64(peer[i].Wall)/float64(max(ours[i].Wall, 1)))
	}
	slices.Sort(pairs)
	r := Ratio{Median: quantile(pairs, 0.5), Best: over(b.Best, a.Best), CPU: over(b.CPU, a.CPU)}
	r.Q1, r.Q3 = quantile(pairs, 0.25), quantile(pairs, 0.75)
	return r
}

// over is a/b, and 0 where b is 0, so that a report is always valid JSON.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// seconds returns one of the samples' times in ascending order.
func seconds(samples []Sample, of func(Sample) time.Duration) []float64 {
	s := make([]float64, len(samples))
	for i, v := range samples {
		s[i] = of(v).Seconds()
	}
	slices.Sort(s)
	return s
}

// quantile interpolates linearly between the order statistics of sorted; 0 if there are none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}
