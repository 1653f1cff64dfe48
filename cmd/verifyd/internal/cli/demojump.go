package cli

import (
	"fmt"
	"io"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/demo"
)

// jumpText shows what became of the demonstration's jump: the odds by chance, what the gate measured, and the path to the lie.
func jumpText(w io.Writer, r *demo.Report) {
	j := r.Jump
	f := &j.Found
	ended := uint64(0)
	if f.First != nil {
		ended = f.First.Segment
	}
	fmt.Fprintf(w, "\none lie that stands for %.0f %% of the work of the %s: step %d claims to lead to %s, all behind it is honest\n\n",
		100*j.Spared, r.Forged, j.Step, j.State)
	row(w, "by chance", fmt.Sprintf("segment %d is drawn with probability %d/%d = %.3f; in %d of %d challenges it was",
		j.Segment, f.Sampled, f.Segments, j.Promised, j.Seen, r.Challenges))
	gateText(w, f.Odds)
	row(w, fmt.Sprintf("challenge %d", j.Challenge), fmt.Sprintf("drew segments %s, and missed it", list(f.Challenged)))
	most := fmt.Sprintf("segments %s, replayed besides", list(f.Directed))
	if j.Besides {
		most += fmt.Sprintf(": %d among them", j.Segment)
	}
	row(w, "moved most", most)
	if len(j.Outside) > 0 {
		row(w, "outside the gate", outsideText(j.Outside))
	}
	for i, p := range j.Paths {
		name := fmt.Sprintf("path %d", i+1)
		if j.Besides {
			name = "a path besides"
		}
		row(w, name, pathText(p, ended))
	}
	row(w, f.Outcome, fmt.Sprintf("%s, %d of %d steps replayed", foundText(f), f.Replayed, f.Steps))
}

// outsideText is what the gate measured of segments, in one line.
func outsideText(all []demo.Measured) string {
	var segments []uint64
	least, most := all[0], all[0] // by their share of the curve's work
	for _, m := range all {
		segments = append(segments, m.Segment)
		if share(m) < share(least) {
			least = m
		}
		if share(m) > share(most) {
			most = m
		}
	}
	work := fmt.Sprintf("%.2f", share(least))
	if to := fmt.Sprintf("%.2f", share(most)); to != work {
		work += " to " + to
	}
	return fmt.Sprintf("segments %s, for %s: work %s of the curve's", list(segments), reasons(all[0].Why), work)
}

// share is a segment's work beside the curve's.
func share(m demo.Measured) float64 { return float64(m.Work) / float64(max(m.Curve, 1)) }
