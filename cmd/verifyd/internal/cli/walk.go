package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/walk"
)

// walkText says where a claim's replays led: what moved most, what the gate measured, and the path to where that began, step
// by step. Nothing is said of what a claim inside the gate has not.
func walkText(w io.Writer, f *verify.Finding, c *verify.Case) {
	t := c.Trail(f)
	if len(f.Directed) > 0 {
		row(w, "moved most", "segments "+list(f.Directed))
	}
	for _, o := range f.Outside {
		row(w, "outside the gate", fmt.Sprintf("segment %d: %s; %s", o.Segment, reasons(o.Why), totals(o, curveAt(c, o.Segment))))
	}
	for i, p := range t.Paths {
		row(w, fmt.Sprintf("path %d", i+1), pathText(p, t.Order[len(t.Order)-1]))
	}
	if len(f.Walked) > 0 {
		row(w, "walked", "segments "+list(f.Walked))
	}
	if f.Note == verify.NoteOutside {
		row(w, "note", "some of it begins where training is cheap, and all that was replayed is true")
	}
}

// beginning are the segments that a walk begins with, ascending.
func beginning(f *verify.Finding) []uint64 {
	return slices.Sorted(slices.Values(slices.Concat(f.Challenged, f.Directed)))
}

// curveAt is what claims of the case's job are compared with at the first step of a segment.
func curveAt(c *verify.Case, segment uint64) gate.Totals {
	first, _ := c.Terms.Job.Segment(segment)
	return c.Terms.Reference().At(first)
}

func reasons(why []gate.Reason) string {
	var words []string
	for _, r := range why {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

func totals(o verify.Outside, curve gate.Totals) string {
	m := o.Totals
	return fmt.Sprintf("work %d where the curve has %d, %d of %d terms drowned, %d of %d gradients zero", m.Work, curve.Work, m.Drowned, m.Added, m.Zero, m.Elements)
}

// pathText is a path in words: each segment that was asked for, and where it ends, which is last where that ended the walk.
func pathText(p walk.Path, last uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %d", p.From)
	for i, l := range p.Legs {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		side := "inside"
		if l.Outside {
			side = "outside"
		}
		fmt.Fprintf(&b, "%s%d %s", sep, l.Pivot, side)
	}
	if p.Over {
		fmt.Fprintf(&b, "; segment %d begins inside and leads outside", p.Flip)
	} else {
		fmt.Fprintf(&b, "; it ends in segment %d", last)
	}
	return b.String()
}
