package gatestudy

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// States puts each cheap state into a run at the start, in the middle and with a quarter left, measures the step after it
// and the one a segment later, and writes a table.
func States(ctx context.Context, d engine.Device, settings []Setting, w io.Writer) error {
	fmt.Fprintf(w, "| setting | state | best exact twin known | twin that computes no sum twice, a step and a segment later | at | work of the curve | drowned | zero | still | outside, curve | start | a segment later |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	return each(settings, func(s *Setting) error {
		return beside(ctx, d, s, 0, 0, func(r *run, ref, start *gate.Reference) error { return r.places(ctx, ref, start, w) })
	})
}

// places measures all states at three places of the run.
func (r *run) places(ctx context.Context, ref, start *gate.Reference, w io.Writer) error {
	s := r.setting
	n := s.Steps / s.Stride
	places := []uint64{s.Stride, n / 2 * s.Stride, n * 3 / 4 * s.Stride}
	for t := uint64(0); t <= places[2]; t++ {
		for _, at := range places {
			if t == at {
				if err := r.states(ctx, t, ref, start, w); err != nil {
					return err
				}
			}
		}
		if err := r.step(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// states measures all states before step t, and leaves the run as it was.
func (r *run) states(ctx context.Context, t uint64, ref, start *gate.Reference, w io.Writer) error {
	honest, err := r.save(ctx)
	if err != nil {
		return err
	}
	full, err := r.twin(ctx, t)
	if err != nil {
		return err
	}
	for _, state := range verifytest.CheapStates() {
		forged := clone(honest)
		if !state.Forge(verifytest.NewState(r.spec.Plan, forged)) {
			continue
		}
		if err := r.load(ctx, forged); err != nil {
			return err
		}
		c, err := r.measure(ctx, t, seedOf(t))
		if err != nil {
			return err
		}
		var twins [2]uint64
		for k := uint64(1); k < r.setting.Stride; k++ {
			switch k {
			case 1, r.setting.Stride - 1:
				if twins[min(k-1, 1)], err = r.twin(ctx, t+k); err != nil {
					return err
				}
			default:
				if err := r.step(ctx, t+k); err != nil {
					return err
				}
			}
		}
		later, err := r.measure(ctx, t+r.setting.Stride, seedOf(t+1))
		if err != nil {
			return err
		}
		got, want, still := c.Totals(), ref.At(t), 0.0
		for _, x := range c.Tensors {
			if x.Seen-x.Zero >= 16 {
				still = max(still, share(uint64(x.Still), uint64(x.Seen-x.Zero)))
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.2f, %.2f | %d | %.3f | %.3f | %.3f | %.3f | %s | %s | %s |\n", r.setting.Name, state.Name, state.Gain,
			share(twins[0], full), share(twins[1], full), t,
			share(got.Work, want.Work), share(got.Drowned, got.Added), share(got.Zero, got.Elements), still,
			list(ref.Outside(c)), list(start.Outside(c)), list(ref.Outside(later)))
	}
	return r.load(ctx, honest)
}

func list(why []gate.Reason) string {
	if len(why) == 0 {
		return "inside"
	}
	var all []string
	for _, reason := range why {
		all = append(all, string(reason))
	}
	return strings.Join(all, ", ")
}
