package gate

import (
	"slices"
)

// Reference is what honest steps of a job count.
type Reference struct {
	every  uint64 // steps between two points; 0 for a start alone
	points []Point
}

// FromStart is a reference that is what step 0 counts from the public start.
func FromStart(start Point) *Reference { return &Reference{points: []Point{start}} }

// Reference is the curve as steps are compared with it.
func (c *Curve) Reference() *Reference {
	return &Reference{every: c.Every * c.Terms.Stride, points: smooth(c.Points)}
}

// Alone says that the reference is a start and no curve, so that what training itself does to the counts is not known.
func (r *Reference) Alone() bool { return r.every == 0 }

// At is the reference for a step: the last point that is not behind it, smoothed.
func (r *Reference) At(step uint64) Totals { return r.at(step).Totals }

func (r *Reference) at(step uint64) *Point {
	if r.Alone() {
		return &r.points[0]
	}
	return &r.points[min(step/r.every, uint64(len(r.points)-1))]
}

// reach is how many points on each side a point is smoothed with, as far as there are any.
const reach = 2

// smooth takes, of each total by itself, the median of a point and its neighbours, the lower one of two; and of rows the
// least, since how many units of a layer a batch leaves without a gradient changes from step to step.
func smooth(points []Point) []Point {
	all := make([]Point, len(points))
	for i := range points {
		near := points[max(i-reach, 0):min(i+reach+1, len(points))]
		median := func(of func(t *Point) uint64) uint64 {
			values := make([]uint64, len(near))
			for k := range near {
				values[k] = of(&near[k])
			}
			slices.Sort(values)
			return values[(len(values)-1)/2]
		}
		all[i].Totals = Totals{
			Work:     median(func(t *Point) uint64 { return t.Work }),
			Drowned:  median(func(t *Point) uint64 { return t.Drowned }),
			Added:    median(func(t *Point) uint64 { return t.Added }),
			Zero:     median(func(t *Point) uint64 { return t.Zero }),
			Elements: median(func(t *Point) uint64 { return t.Elements }),
		}
		all[i].Rows = slices.Clone(near[0].Rows)
		for _, p := range near[1:] {
			for k, d := range p.Rows {
				all[i].Rows[k] = min(all[i].Rows[k], d)
			}
		}
	}
	return all
}
