package gate

import (
	"slices"
)

// Reference is what honest steps of a job count.
type Reference struct {
	every  uint64 // steps between two points; 0 for a start alone
	points []Totals
}

// FromStart is a reference that is what step 0 counts from the public start.
func FromStart(start Totals) *Reference { return &Reference{points: []Totals{start}} }

// Reference is the curve as steps are compared with it.
func (c *Curve) Reference() *Reference {
	return &Reference{every: c.Every * c.Terms.Stride, points: smooth(c.Points)}
}

// Alone says that the reference is a start and no curve, so that what training itself does to the counts is not known.
func (r *Reference) Alone() bool { return r.every == 0 }

// At is the reference for a step: the last point that is not behind it, smoothed.
func (r *Reference) At(step uint64) Totals {
	if r.Alone() {
		return r.points[0]
	}
	return r.points[min(step/r.every, uint64(len(r.points)-1))]
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
