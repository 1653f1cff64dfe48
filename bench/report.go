package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Row is one measure. A comparison has Ours and Ratio; a measure without a peer has Value.
type Row struct {
	Group   string  `json:"group"`
	Name    string  `json:"name"`
	Threads int     `json:"threads,omitempty"`
	Against string  `json:"against,omitempty"` // the contender that Peer and Ratio belong to
	Ours    *Spread `json:"ours,omitempty"`
	Peer    *Spread `json:"peer,omitempty"`
	Ratio   *Ratio  `json:"ratio,omitempty"`

	Work  float64 `json:"work,omitempty"`  // units of work in one run: floating-point operations, bytes, rows
	Unit  string  `json:"unit,omitempty"`  // "flop", "byte", "row", or Value's unit
	Value float64 `json:"value,omitempty"` // of a measure that is no time
	Limit float64 `json:"limit,omitempty"` // the value or ratio asked for
	Goal  float64 `json:"goal,omitempty"`  // the one hoped for
	Most  bool    `json:"most,omitempty"`  // Limit is an upper one
	Note  string  `json:"note,omitempty"`

	Floor     float64 `json:"floor,omitempty"`     // seconds that the hardware needs at least for Ours
	Predicted float64 `json:"predicted,omitempty"` // the value or ratio that was foreseen
}

// Report is what one session measured.
type Report struct {
	Machine Machine  `json:"machine"`
	Device  *GPU     `json:"device,omitempty"` // that was measured, if it is a GPU
	Quick   bool     `json:"quick,omitempty"`  // a smoke run: the figures mean nothing
	Peers   []string `json:"peers"`
	Rows    []Row    `json:"rows"`
}

// measured is the figure that Limit is about.
func (r *Row) measured() float64 {
	if r.Ratio != nil {
		return r.Ratio.Median
	}
	return r.Value
}

// Met reports whether the row reaches its limit; true if it has none.
func (r *Row) Met() bool {
	switch {
	case r.Limit == 0 && !r.Most:
		return true
	case r.Most:
		return r.measured() <= r.Limit
	default:
		return r.measured() >= r.Limit
	}
}

// JSON writes the report, indented, with a final newline.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Markdown writes the report as a table with a line about the machine above it.
func (r *Report) Markdown(w io.Writer) error {
	if r.Device != nil {
		return r.deviceTable(w)
	}
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %d cores, %s kernels, %s, %s, commit %s, %s. Priority %s; load average %s before, %s after.\n",
		m.CPU, m.Cores, m.ISA, m.Go, m.OS, orNone(m.Commit), m.Date, m.Priority, orNone(m.LoadAvg), orNone(m.LoadLate))
	if len(r.Peers) > 0 {
		fmt.Fprintf(&b, "Peers: %s.\n", strings.Join(r.Peers, "; "))
	}
	if r.Quick {
		b.WriteString("Quick run: the figures mean nothing.\n")
	}
	b.WriteString("\n| measure | threads | verifyd | against | ratio in pairs: median (quartiles) | of bests | by CPU time | asked | |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			row.Name, row.threads(), row.ours(), row.against(), row.ratio(), row.bestRatio(), row.cpuRatio(), row.asked(), row.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Row) threads() string {
	if r.Threads == 0 {
		return ""
	}
	return fmt.Sprint(r.Threads)
}

func (r *Row) ours() string {
	if r.Ours != nil {
		return r.figure(*r.Ours)
	}
	if r.Unit == "byte" {
		return fmt.Sprintf("%.1f MiB", r.Value/(1<<20))
	}
	return fmt.Sprintf("%.4g %s", r.Value, r.Unit)
}

func (r *Row) against() string {
	if r.Peer == nil {
		return r.Against
	}
	return r.Against + " " + r.figure(*r.Peer)
}

func (r *Row) ratio() string {
	if r.Ratio == nil {
		return ""
	}
	return fmt.Sprintf("**%.2f** (%.2f to %.2f)", r.Ratio.Median, r.Ratio.Q1, r.Ratio.Q3)
}

func (r *Row) bestRatio() string {
	if r.Ratio == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", r.Ratio.Best)
}

// cpuRatio is the ratio of process times. With more than one thread those count waiting in a spin as work.
func (r *Row) cpuRatio() string {
	if r.Ratio == nil || r.Threads != 1 || r.Ratio.CPU == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", r.Ratio.CPU)
}

func (r *Row) asked() string {
	if r.Limit == 0 && !r.Most {
		return ""
	}
	sign, mark := "at least", "met"
	if r.Most {
		sign = "at most"
	}
	if !r.Met() {
		mark = "**not met**"
	}
	if r.Ours == nil && r.Unit == "byte" {
		return fmt.Sprintf("%s %.1f MiB: %s", sign, r.Limit/(1<<20), mark)
	}
	text := fmt.Sprintf("%s %.4g: %s", sign, r.Limit, mark)
	if r.Goal > 0 {
		text += fmt.Sprintf("; goal %.4g", r.Goal)
		if r.Most && r.measured() <= r.Goal || !r.Most && r.measured() >= r.Goal {
			text += ": met"
		}
	}
	return text
}

// figure prints a time, and the rate if the row says how much work it was.
func (r *Row) figure(s Spread) string {
	t := fmt.Sprintf("%.2f ms", s.Median*1e3)
	if r.Work == 0 || s.Median == 0 {
		return t
	}
	rate := r.Work / s.Median
	switch r.Unit {
	case "flop":
		return fmt.Sprintf("%s, %.1f GFLOP/s", t, rate/1e9)
	case "byte":
		return fmt.Sprintf("%s, %.2f GB/s", t, rate/1e9)
	default:
		return fmt.Sprintf("%s, %.0f %s/s", t, rate, r.Unit)
	}
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
