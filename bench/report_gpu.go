package bench

import (
	"fmt"
	"io"
	"strings"
)

// deviceTable writes the report on a GPU: every measure beside the floor that the hardware sets and what was
// foreseen.
func (r *Report) deviceTable(w io.Writer) error {
	var b strings.Builder
	m, d := r.Machine, r.Device
	fmt.Fprintf(&b, "cuda:%d %s, %.1f GiB, capability %d.%d, %d multiprocessors, driver %s (CUDA %d.%d), beside %s, %d cores, %s kernels; commit %s, %s.\n",
		d.Ordinal, d.Name, float64(d.Memory)/(1<<30), d.Major, d.Minor, d.SMs, orNone(d.KernelDriver), d.Driver/1000, d.Driver%1000/10,
		m.CPU, m.Cores, m.ISA, orNone(m.Commit), m.Date)
	if len(r.Peers) > 0 {
		fmt.Fprintf(&b, "Peers: %s.\n", strings.Join(r.Peers, "; "))
	}
	if r.Quick {
		b.WriteString("Quick run: the figures mean nothing.\n")
	}
	b.WriteString("\n| measure | verifyd | against | measured: median (quartiles) | floor | foreseen | asked | |\n|---|---|---|---|---|---|---|---|\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n",
			row.Name, row.onDevice(), row.versus(), row.reached(), row.floor(), row.foreseen(), row.asked(), row.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Row) onDevice() string {
	if r.Ours == nil {
		return ""
	}
	return r.rated(*r.Ours)
}

func (r *Row) versus() string {
	if r.Peer == nil {
		return r.Against
	}
	return r.Against + " " + r.rated(*r.Peer)
}

// reached is the figure that is asked for or foreseen, if there is one.
func (r *Row) reached() string {
	if r.Ratio != nil {
		return r.ratio()
	}
	if r.Value != 0 {
		return fmt.Sprintf("**%.3g**", r.Value)
	}
	return ""
}

func (r *Row) floor() string {
	if r.Floor == 0 || r.Ours == nil || r.Ours.Median == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %.0f %% of it reached", span(r.Floor), 100*r.Floor/r.Ours.Median)
}

func (r *Row) foreseen() string {
	if r.Predicted == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", r.Predicted)
}

// rated is a time, and the rate if the row says how much work it was.
func (r *Row) rated(s Spread) string {
	if r.Work == 0 || s.Median == 0 {
		return span(s.Median)
	}
	rate := r.Work / s.Median
	if r.Unit == "flop" {
		return fmt.Sprintf("%s, %.1f TFLOP/s", span(s.Median), rate/1e12)
	}
	return fmt.Sprintf("%s, %.0f GB/s", span(s.Median), rate/1e9)
}

// span writes seconds in milliseconds or microseconds.
func span(seconds float64) string {
	if seconds < 1e-4 {
		return fmt.Sprintf("%.2f us", 1e6*seconds)
	}
	return fmt.Sprintf("%.3f ms", 1e3*seconds)
}
