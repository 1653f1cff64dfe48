package gatestudy

import (
	"context"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
)

// extremes are the worst that honest segments counted, of one setting.
type extremes struct {
	segments, outside, outsideStart int
	reasons                         map[gate.Reason]int
	work, workStart                 float64 // least, as a share of the reference
	drowned, zero, still            float64 // most: above the reference, above it, and of one parameter
}

// Honest measures runs of honest segments of each setting, each in an order of its own, beside the curve and the start of
// the setting, and writes a table.
func Honest(ctx context.Context, d engine.Device, settings []Setting, runs int, w io.Writer) error {
	fmt.Fprintf(w, "| setting | segments | outside, curve | outside, start | least work, of the curve | of the start | most drowned above it | zeros above it | still |\n|---|---|---|---|---|---|---|---|---|\n")
	var all extremes
	err := each(settings, func(s *Setting) error {
		e, err := honest(ctx, d, s, runs)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %d | %d %v | %d | %.3f | %.3f | %+.3f | %+.3f | %.3f |\n", s.Name, e.segments, e.outside, e.reasons, e.outsideStart,
			e.work, e.workStart, e.drowned, e.zero, e.still)
		all.segments += e.segments
		all.outside += e.outside
		all.outsideStart += e.outsideStart
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| all | %d | %d | %d | | | | | |\n", all.segments, all.outside, all.outsideStart)
	return nil
}

func honest(ctx context.Context, d engine.Device, s *Setting, runs int) (extremes, error) {
	e := extremes{work: 9, workStart: 9, drowned: -9, zero: -9, reasons: map[gate.Reason]int{}}
	for n := range uint64(runs) {
		init := n / 5 // five orders of each start
		err := beside(ctx, d, s, init, n, func(r *run, ref, start *gate.Reference) error {
			return r.segments(ctx, n, func(_ uint64, c *gate.Counters) error {
				e.add(c, ref, start)
				return nil
			})
		})
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// add counts a segment.
func (e *extremes) add(c *gate.Counters, ref, start *gate.Reference) {
	e.segments++
	why := ref.Outside(c)
	if len(why) > 0 {
		e.outside++
	}
	for _, reason := range why {
		e.reasons[reason]++
	}
	if len(start.Outside(c)) > 0 {
		e.outsideStart++
	}
	got, want, first := c.Totals(), ref.At(c.Step), start.At(0)
	e.work = min(e.work, share(got.Work, want.Work))
	e.workStart = min(e.workStart, share(got.Work, first.Work))
	e.drowned = max(e.drowned, share(got.Drowned, got.Added)-share(want.Drowned, want.Added))
	e.zero = max(e.zero, share(got.Zero, got.Elements)-share(want.Zero, want.Elements))
	for _, t := range c.Tensors {
		if c.Updated[t.Group] && t.Seen-t.Zero >= 16 {
			e.still = max(e.still, share(uint64(t.Still), uint64(t.Seen-t.Zero)))
		}
	}
}

func share(part, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}
