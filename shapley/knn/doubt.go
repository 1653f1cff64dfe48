package knn

import "math"

// doubtPlaces is how many of the nearest are looked at for what rounding may have changed; the order of all others counts
// as uncertain, which adds no more than a change of match is worth there.
const doubtPlaces = 1024

// looked is how many places are looked at.
func (j *job) looked() int {
	if j.features.Exact {
		return 0
	}
	return min(j.kept(), doubtPlaces)
}

// variations are, by place, the sum of the magnitudes of the differences of the table's entries up to it: rows of
// places a to b in another order change no value by more than that from max(a-1,1) to b. For with c the table and m the
// matches, s(i) = m(i) c(i) - the sum over j > i of m(j) (c(j-1) - c(j)), which holds to the last place.
func (j *job) variations() {
	c := j.steps()
	if j.Variant == SoftLabel { // s(N) has this for its match
		c[j.n] = divided(1<<j.scale+j.harmonic+divided(j.harmonic, int64(max(1, j.n-1))), int64(j.n))
		if j.K >= j.n && j.n > 1 {
			c[j.n] = c[j.n-1]
		}
	}
	j.variation = make([]int64, j.n+1)
	for i := 2; i <= j.n; i++ {
		j.variation[i] = j.variation[i-1] + max(c[i-1]-c[i], c[i]-c[i-1])
	}
}

// reach is how much farther than squared distance d a row must be to be farther before rounding too: each of W features
// of both rows was off by half a step, so that the root is off by sqrt(W) at most, and two roots by twice as much. One more is
// for the rounding of z.
func (j *job) reach(d uint64) uint64 {
	w := uint64(j.Width)
	return uint64(math.Ceil(4*math.Sqrt(float64(w*d)))) + 4*w + 1
}

// doubt adds what rounding may have changed for a test row, whose order begins with these rows. Their distances are above
// least.
func (w *worker) doubt(order []neighbour, least uint32) {
	seen := w.looked()
	if seen == 0 {
		return
	}
	order = order[:seen]
	sum, doubtful, mixed := int64(0), false, false
	settle := func(a, b int) { // the rows from index a to b-1 may be in any order
		if !mixed {
			return
		}
		if w.variation == nil {
			doubtful = true
		} else if v := w.variation[b] - w.variation[max(a, 1)]; v > 0 {
			sum, doubtful = sum+v, true
		}
		mixed = false
	}
	first, gap := 0, uint64(0)
	for i := 1; i < seen; i++ {
		near, far := order[i-1], order[i]
		if off := uint64(far.distance() - near.distance()); off > gap {
			gap = w.reach(uint64(least) + uint64(near.distance())) // no less than that of a nearer row
			if off > gap {
				settle(first, i)
				first = i
				continue
			}
		}
		mixed = mixed || w.differ(near, far)
	}
	end := seen
	if seen < w.n {
		mixed, end = true, w.n
	}
	settle(first, end)
	w.doubts += sum
	if doubtful {
		w.doubtful++
	}
}

// differ says whether two rows that change places change values.
func (w *worker) differ(a, b neighbour) bool {
	if w.Variant == Regression {
		return w.TrainTargets[a.row()] != w.TrainTargets[b.row()]
	}
	return a.match() != b.match()
}

// fence counts a test row if rounding may have brought a training row within the radius, or out of it.
func (w *worker) fence(distances []int32) {
	if w.features.Exact {
		return
	}
	limit := float64(w.limit)
	slack := math.Ceil(float64(2*math.Sqrt(float64(limit*float64(w.Width))))) + float64(w.Width) + 1
	low, high := uint64(max(0, limit-slack)), uint64(limit+slack)
	for _, d := range distances {
		if d := uint64(uint32(d)); low <= d && d <= high {
			w.doubtful++
			return
		}
	}
}
