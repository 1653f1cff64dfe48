// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"fmt"
	"slices"
	"time"
)

// Spread sums up the times of one side, in seconds of a unit of work.
type Spread struct {
	Median  float64 `json:"median"`
	Q1      float64 `json:"q1"`
	Q3      float64 `json:"q3"`
	Samples int     `json:"samples"`
}

// Ratio is how many times faster the first of two sides is. The two times of each round are compared,
// so that a device whose clock drifts from round to round disturbs it least.
type Ratio struct {
	Median float64 `json:"pair_median"`
	Q1     float64 `json:"pair_q1"`
	Q3     float64 `json:"pair_q3"`
}

// alternate lets the sides take turns, rounds times, after warm turns that do not count. Every second
// round goes backwards, so that none always follows the same neighbour. It returns the times of each.
func alternate(rounds, warm int, unit timer, sides []Side) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(sides))
	for round := range warm + rounds {
		for turn := range sides {
			i := turn
			if round%2 == 1 {
				i = len(sides) - 1 - turn
			}
			d, err := unit(sides[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sides[i].Name(), err)
			}
			if round >= warm {
				times[i] = append(times[i], d)
			}
		}
	}
	return times, nil
}

// spreadOf returns the quartiles of times.
func spreadOf(times []time.Duration) Spread {
	seconds := make([]float64, len(times))
	for i, d := range times {
		seconds[i] = d.Seconds()
	}
	q := quartiles(seconds)
	return Spread{Median: q[1], Q1: q[0], Q3: q[2], Samples: len(times)}
}

// ratioOf compares times taken in the same rounds. A time under the clock's resolution counts as one
// nanosecond.
func ratioOf(ours, peer []time.Duration) Ratio {
	pairs := make([]float64, len(ours))
	for i := range ours {
		pairs[i] = float64(peer[i]) / float64(max(ours[i], 1))
	}
	q := quartiles(pairs)
	return Ratio{Median: q[1], Q1: q[0], Q3: q[2]}
}

// quartiles interpolates linearly between the order statistics of v, of which there is at least one.
func quartiles(v []float64) (q [3]float64) {
	slices.Sort(v)
	for i := range q {
		at := float64(i+1) / 4 * float64(len(v)-1)
		lo := int(at)
		hi := min(lo+1, len(v)-1)
		q[i] = v[lo] + (at-float64(lo))*(v[hi]-v[lo])
	}
	return q
}
