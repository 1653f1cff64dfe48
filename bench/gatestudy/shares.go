package gatestudy

import (
	"context"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// percents are the shares of hidden units that are tried.
var percents = []int{5, 10, 15, 20, 25, 30, 40, 50}

// Shares makes shares of the hidden units cheap in the middle of a run, measures the step after that with ten seeds, and
// writes a table of the shares of seeds by which it is outside.
func Shares(ctx context.Context, d engine.Device, settings []Setting, w io.Writer) error {
	fmt.Fprint(w, "| setting | hidden units | reference |")
	for _, p := range percents {
		fmt.Fprintf(w, " %d %% |", p)
	}
	fmt.Fprint(w, "\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	return each(settings, func(s *Setting) error {
		return beside(ctx, d, s, 0, 0, func(r *run, ref, start *gate.Reference) error { return r.shares(ctx, ref, start, w) })
	})
}

// shares measures all shares in the middle of the run.
func (r *run) shares(ctx context.Context, ref, start *gate.Reference, w io.Writer) error {
	s := r.setting
	middle := s.Steps / s.Stride / 2 * s.Stride
	for t := range middle {
		if err := r.step(ctx, t); err != nil {
			return err
		}
	}
	honest, err := r.save(ctx)
	if err != nil {
		return err
	}
	for _, kind := range verifytest.Shares() {
		text := [2]string{}
		for _, percent := range percents {
			forged := clone(honest)
			if !kind.Forge(verifytest.NewState(r.spec.Plan, forged), percent) {
				continue
			}
			var outside [2]int
			for seed := range uint64(10) {
				if err := r.load(ctx, forged); err != nil {
					return err
				}
				c, err := r.measure(ctx, middle, seedOf(seed))
				if err != nil {
					return err
				}
				outside[0] += min(1, len(ref.Outside(c)))
				outside[1] += min(1, len(start.Outside(c)))
			}
			for i := range text {
				text[i] += fmt.Sprintf(" %.1f |", float64(outside[i])/10)
			}
		}
		for i, name := range []string{"curve", "start"} {
			if text[i] != "" {
				fmt.Fprintf(w, "| %s | %s | %s |%s\n", s.Name, kind.Name, name, text[i])
			}
		}
	}
	return nil
}

func clone(tensors [][]float32) [][]float32 {
	all := make([][]float32, len(tensors))
	for i, x := range tensors {
		all[i] = append([]float32(nil), x...)
	}
	return all
}
