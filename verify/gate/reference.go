package gate

import (
	"slices"
)

// Reference is what honest steps of a job count.
type Reference struct {
	start Totals
	curve *Curve // nil for a reference that is a start alone
	every uint64 // steps between two points
	ref   []Totals
}

// FromStart is the reference of a job without a curve: what step 0 counts from the public start.
func FromStart(start Totals) *Reference { return &Reference{start: start} }

// Reference is the curve as steps are compared with it.
func (c *Curve) Reference() *Reference {
	return &Reference{curve: c, every: c.Every * c.Terms.Stride, ref: smooth(c.Points)}
}

// At is the reference for a step: the last point that is not behind it, smoothed.
func (r *Reference) At(step uint64) Totals {
	if r.curve == nil {
		return r.start
	}
	return r.ref[min(step/r.every, uint64(len(r.ref)-1))]
}

// reach is how many points on each side a point is smoothed with, as far as there are any.
const reach = 2

// smooth takes, of each number by itself, the median of a point and its neighbours: the lower one of two.
func smooth(points []Totals) []Totals {
	all := make([]Totals, len(points))
	for i := range points {
		near := points[max(i-reach, 0):min(i+reach+1, len(points))]
		median := func(of func(t *Totals) uint64) uint64 {
			values := make([]uint64, len(near))
			for k := range near {
				values[k] = of(&near[k])
			}
			slices.Sort(values)
			return values[(len(values)-1)/2]
		}
		all[i] = Totals{
			Work:     median(func(t *Totals) uint64 { return t.Work }),
			Drowned:  median(func(t *Totals) uint64 { return t.Drowned }),
			Added:    median(func(t *Totals) uint64 { return t.Added }),
			Zero:     median(func(t *Totals) uint64 { return t.Zero }),
			Elements: median(func(t *Totals) uint64 { return t.Elements }),
		}
	}
	return all
}
