package walk

import (
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/draw"
)

// Trail is a walk as far as it is known.
type Trail struct {
	Order   []uint64 // the segments walked, in this order, and those to walk next
	Need    []uint64 // of these, those that are not known yet, in this order
	Ended   bool     // the last one of Order ended the walk
	Done    bool     // the walk is over and nothing ended it
	Outside []uint64 // the segments known to be outside, ascending
	Paths   []Path   // at most two
}

// Path is a way from a segment outside the gate down to one that led there.
type Path struct {
	From uint64 `json:"from"` // the segment outside
	Legs []Leg  `json:"legs"`
	Flip uint64 `json:"flip"` // the segment that begins inside and leads outside
	Over bool   `json:"over"` // it was walked to its end, Flip
}

// Leg is one step of a path: the segment between lo and hi that was asked for, and what the gate says of it.
type Leg struct {
	Lo      uint64 `json:"lo"`
	Hi      uint64 `json:"hi"`
	Pivot   uint64 `json:"pivot"`
	Outside bool   `json:"outside"`
}

// Walk walks as far as the standing of segments is known.
func (w *Walk) Walk(standing func(segment uint64) Standing) Trail {
	r := &walker{Walk: w, standing: standing, words: draw.New(w.seed), seen: map[uint64]Standing{}}
	r.Done = r.run()
	slices.Sort(r.Outside)
	return r.Trail
}

// Follow walks to the end, and asks once for the standing of each segment on the way.
func (w *Walk) Follow(measure func(segment uint64) (Standing, error)) (Trail, error) {
	known := map[uint64]Standing{}
	for {
		trail := w.Walk(func(segment uint64) Standing { return known[segment] })
		if len(trail.Need) == 0 {
			return trail, nil
		}
		for _, segment := range trail.Need {
			standing, err := measure(segment)
			if err != nil {
				return Trail{}, fmt.Errorf("measuring segment %d: %w", segment, err)
			}
			known[segment] = standing
		}
	}
}

// walker is on a walk.
type walker struct {
	*Walk
	Trail
	standing func(uint64) Standing
	words    *draw.Stream
	seen     map[uint64]Standing
}

// run walks, and says whether it came to the end.
func (r *walker) run() bool {
	if !r.visit(r.first) {
		return false
	}
	outside := slices.Sorted(slices.Values(r.Outside))
	if len(outside) == 0 {
		return true
	}
	from := r.words.Below(uint64(len(outside)))
	flip, ok := r.path(outside[from])
	if !ok {
		return false
	}
	launch := r.highest(Launch, flip, r.visited)
	if !r.visit(launch) {
		return false
	}
	if len(outside) > 1 {
		outside = slices.Delete(outside, int(from), int(from)+1)
	}
	if _, ok := r.path(outside[r.words.Below(uint64(len(outside)))]); !ok {
		return false
	}
	return r.visit(r.rest())
}

// path walks from a segment outside the gate towards the start, which is inside.
func (r *walker) path(from uint64) (flip uint64, ok bool) {
	r.Paths = append(r.Paths, Path{From: from})
	p := &r.Paths[len(r.Paths)-1]
	lo, hi := uint64(0), from
	for hi-lo > 1 {
		q := quarter(hi - lo)
		pivot := lo + q + r.words.Below(hi-lo-2*q+1)
		if !r.visit([]uint64{pivot}) {
			return 0, false
		}
		leg := Leg{Lo: lo, Hi: hi, Pivot: pivot, Outside: r.seen[pivot] == Outside}
		p.Legs = append(p.Legs, leg)
		if leg.Outside {
			hi = pivot
		} else {
			lo = pivot
		}
	}
	if !r.visit([]uint64{lo}) {
		return 0, false
	}
	p.Flip, p.Over = lo, true
	return lo, true
}

// rest draws from the segments that were not walked.
func (r *walker) rest() (list []uint64) {
	var left []uint64
	for s := range r.n {
		if !r.visited(s) {
			left = append(left, s)
		}
	}
	n := uint64(len(left))
	for _, i := range r.words.Sample(n, min(further(r.k), n)) {
		list = append(list, left[i])
	}
	return list
}

// visit walks segments in the order given, those that were walked before excepted. It says whether all are known and none
// ends the walk. Segment 0 begins with the public start, which is inside whatever the gate says.
func (r *walker) visit(segments []uint64) bool {
	for _, s := range segments {
		if r.visited(s) {
			continue
		}
		standing := r.standing(s)
		if s == 0 && standing == Outside {
			standing = Inside
		}
		r.seen[s] = standing
		r.Order = append(r.Order, s)
		switch standing {
		case Unknown:
			r.Need = append(r.Need, s)
		case Outside:
			r.Outside = append(r.Outside, s)
		case End:
			r.Ended = true
			return false
		}
	}
	return len(r.Need) == 0
}

func (r *walker) visited(segment uint64) bool {
	_, ok := r.seen[segment]
	return ok
}
