package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/plan"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/odds"
)

// planView is a plan as data. Amounts and shares are decimals.
type planView struct {
	Pay        string         `json:"pay"`
	Cost       string         `json:"cost"`
	Bond       string         `json:"bond"`
	Segments   uint64         `json:"segments"`
	Sampled    job.Range      `json:"sampled"`
	Hold       uint64         `json:"hold"`
	Audit      string         `json:"audit"`
	Miss       string         `json:"miss"`
	GatePower  string         `json:"gatePower"`
	Odds       odds.Odds      `json:"odds"` // of a worker with a full hold
	Conditions conditionsView `json:"conditions"`
	Steady     *costView      `json:"steady,omitempty"` // of a claim of a worker with a full hold
	First      *costView      `json:"first,omitempty"`  // of a new key's first claim
	Stride     *strideView    `json:"stride,omitempty"` // where an opening is too large
}

// costView is what drawing costs.
type costView struct {
	Segments uint64 `json:"segments"`
	Bytes    uint64 `json:"bytes"`
	Steps    uint64 `json:"steps"`
	Seconds  string `json:"seconds,omitempty"` // of one device, rounded up
}

// strideView is a stride with which openings are small enough; zero for none.
type strideView struct {
	Stride   uint64    `json:"stride"`
	Segments uint64    `json:"segments"`
	Sampled  job.Range `json:"sampled"`
	Bytes    uint64    `json:"bytes"`
}

// planOf is what terms say of work of a job with a gate of that name, "" for none known. What was measured of the gate is
// said, and is no part of the conditions, which count on the power that the terms have.
func planOf(t odds.Terms, w plan.Work, limit uint64, gate string) planView {
	v := planView{
		Pay: plain(t.Pay), Cost: plain(t.Cost), Bond: plain(t.Bond), Segments: t.Segments, Sampled: drawnRange(t), Hold: t.Hold,
		Audit: plain(t.Audit), Miss: plain(t.Miss), GatePower: plain(t.Power),
		Odds: odds.Of(t.Segments, min(t.Least, t.Segments), gate), Conditions: conditionsOf(t),
	}
	if w.State == 0 {
		return v
	}
	v.Steady, v.First = costOf(w.Cost(t.Least)), costOf(w.Cost(min(t.Most, t.Segments)))
	if v.Steady.Bytes > limit {
		v.Stride = &strideView{}
		if wide, u, ok := w.Wider(t, limit); ok {
			*v.Stride = strideView{wide.Stride, wide.Segments(), drawnRange(u), wide.Cost(u.Least).Bytes}
		}
	}
	return v
}

func drawnRange(t odds.Terms) job.Range {
	return job.Range{Least: uint32(t.Least), Most: uint32(t.Most)}
}

func costOf(c plan.Cost) *costView {
	v := &costView{Segments: c.Segments, Bytes: c.Bytes, Steps: c.Steps}
	if c.Seconds != nil {
		v.Seconds = trimmed(upward(c.Seconds))
	}
	return v
}

func planText(to io.Writer, t odds.Terms, w plan.Work, v planView) {
	row(to, "claim", fmt.Sprintf("%d segments, paid %s, costs %s", v.Segments, v.Pay, v.Cost))
	row(to, "draw", drawText(v.Sampled, v.Hold))
	row(to, "hold", fmt.Sprintf("until %d further claims are judged", v.Hold))
	row(to, "bond", v.Bond)
	row(to, "audit", fmt.Sprintf("a share of %s of the claims", v.Audit))
	if t.Miss.Sign() > 0 {
		row(to, "missed", fmt.Sprintf("a replayed lie is not called one with probability %s", v.Miss))
	}
	if t.Power.Sign() > 0 {
		row(to, "gate", fmt.Sprintf("taken to lead to a share of %s of the lies that chance missed: measured, no theorem", v.GatePower))
	}
	oddsText(to, v.Odds)
	if m := v.Odds.Measured; m != (odds.Measured{}) && t.Power.Sign() == 0 {
		row(to, "not counted on", fmt.Sprintf("what the gate adds; --gate-power %s counts on what was measured", trimmed(m.Power)))
	}
	conditionsText(to, v.Conditions)
	if v.Steady == nil {
		return
	}
	costText(to, "opening", v.Steady)
	if *v.First != *v.Steady {
		costText(to, "first opening", v.First)
	}
	switch s := v.Stride; {
	case s == nil:
	case s.Stride == 0:
		row(to, "stride", "none makes openings small enough: three segments and the last one are four states")
	default:
		row(to, "stride", fmt.Sprintf("%d brings an opening to %s: %s of %d segments", s.Stride, bytesText(s.Bytes), (*segmentRange)(&s.Sampled), s.Segments))
	}
}

func drawText(r job.Range, hold uint64) string {
	if r.Least == r.Most {
		return fmt.Sprintf("%d segments and the last one, of everybody", r.Least)
	}
	return fmt.Sprintf("%d segments and the last one of a worker with %d claims held, %d of a new key and after a FAIL", r.Least, hold, r.Most)
}

func costText(to io.Writer, name string, c *costView) {
	text := fmt.Sprintf("%d segments, %s; %d steps to replay", c.Segments, bytesText(c.Bytes), c.Steps)
	if c.Seconds != "" {
		text += fmt.Sprintf(", %s s of a device", c.Seconds)
	}
	row(to, name, text)
}

// bytesText writes a number of bytes with the largest decimal unit.
func bytesText(n uint64) string {
	for _, u := range []struct {
		name  string
		bytes float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if x := float64(n) / u.bytes; x >= 1 {
			return fmt.Sprintf("%.1f %s", x, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// playTerms prints how strategies fare under rules: what each gains of a claim beside work, and which share of its false
// claims is paid.
func (a *app) playTerms(ctx context.Context, t odds.Terms, claims int) error {
	if claims < 1 || claims > 10_000_000 {
		return usageError{fmt.Errorf("--claims %d: 1 to 10000000 are needed", claims)}
	}
	cells, err := plan.Play(ctx, t, claims, 1)
	if err != nil {
		return err
	}
	view := struct {
		Pay      string      `json:"pay"`
		Cost     string      `json:"cost"`
		Segments uint64      `json:"segments"`
		Cells    []plan.Cell `json:"cells"`
	}{plain(t.Pay), plain(t.Cost), t.Segments, cells}
	return a.emit(view, func(w io.Writer) {
		rules := plan.Rules(t)
		head := []any{""}
		for _, r := range rules {
			head = append(head, r.Name)
		}
		row(w, head...)
		furthest := 0.0
		for i, s := range plan.Strategies {
			line := []any{s.Name}
			for k := range rules {
				c := cells[i*len(rules)+k]
				furthest = max(furthest, c.Off())
				line = append(line, cellText(c, s.False == nil))
			}
			row(w, line...)
		}
		row(w, "")
		fmt.Fprintf(w, "gain of a claim beside work, of pay %s, cost %s; and the share of false claims that is paid\n", view.Pay, view.Cost)
		fmt.Fprintf(w, "dice, over %d claims each and more, differ by %.1f standard errors at most\n", claims, furthest)
		for _, r := range rules {
			fmt.Fprintf(w, "%s: %s\n", r.Name, r.What)
		}
		for _, s := range plan.Strategies {
			fmt.Fprintf(w, "%s: %s\n", s.Name, s.What)
		}
	})
}

func cellText(c plan.Cell, honest bool) string {
	if honest {
		return "0"
	}
	gain := fmt.Sprintf("%+.3f", c.Gain)
	if gain == "+0.000" || gain == "-0.000" {
		gain = "0"
	}
	return fmt.Sprintf("%s, %.1f%%", gain, 100*c.Paid)
}

// millionths is a share in millionths.
func millionths(n uint32) *big.Rat { return big.NewRat(int64(n), job.Millionths) }
