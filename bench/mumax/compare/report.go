// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Machine says where and with what a report was made.
type Machine struct {
	Device     string `json:"device"`
	Capability string `json:"capability"`
	Driver     string `json:"driver"` // the newest CUDA that it serves, and its own version where NVML tells it
	ECC        bool   `json:"ecc"`
	Go         string `json:"go"`
	Commit     string `json:"commit"` // of verifyd; "+" at the end if files differed from it
	Peer       string `json:"peer"`   // module and version
	Date       string `json:"date"`   // RFC 3339, UTC
}

// Row is one measure: seconds of a unit of work, of one of ours beside the peer, or of the peer alone.
type Row struct {
	Name  string  `json:"name"`
	By    string  `json:"by,omitempty"` // which of our sides Ours is of
	Ours  *Spread `json:"ours,omitempty"`
	Peer  Spread  `json:"peer"`
	Ratio *Ratio  `json:"ratio,omitempty"` // how many times faster ours is
	Bytes int     `json:"bytes,omitempty"` // that a unit reads and writes at least
}

// Report is what a run found.
type Report struct {
	Machine Machine  `json:"machine"`
	Rows    []Row    `json:"rows"`
	Repeats []Repeat `json:"repeats"`
}

// JSON writes the report, indented, with a final newline.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Text writes the report as two tables.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, compute capability %s, %s, %s, verifyd %s, %s\n\n", m.Device, m.Capability, m.Driver, m.Peer, m.Commit, m.Date)
	line := func(cells ...any) { fmt.Fprintf(&b, "%-32s %-18s %22s %22s  %s\n", cells...) }
	line("measure", "verifyd by", "verifyd", "mumax3", "ratio in pairs: median (quartiles)")
	for _, row := range r.Rows {
		ours, ratio := "-", "-"
		if row.Ours != nil {
			ours = figure(*row.Ours, row.Bytes)
			ratio = fmt.Sprintf("%.2f (%.2f to %.2f)", row.Ratio.Median, row.Ratio.Q1, row.Ratio.Q3)
		}
		line(row.Name, or(row.By, "-"), ours, figure(row.Peer, row.Bytes), ratio)
	}
	b.WriteString("\n")
	fmt.Fprintf(&b, "%-32s %-18s %8s %22s %12s\n", "repeated", "by", "runs", "different results", "spread, ulp")
	for _, p := range r.Repeats {
		fmt.Fprintf(&b, "%-32s %-18s %8d %22d %12.4g\n", fmt.Sprintf("%s of %s", p.Reduction, count(p.Elements)), p.Side, p.Runs, p.Distinct, p.Spread)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// figure is a time and, for work of some bytes, the rate.
func figure(s Spread, bytes int) string {
	t := fmt.Sprintf("%.2f us", s.Median*1e6)
	if s.Median >= 1e-3 {
		t = fmt.Sprintf("%.3f ms", s.Median*1e3)
	}
	if bytes == 0 || s.Median == 0 {
		return t
	}
	return fmt.Sprintf("%s, %.0f GB/s", t, float64(bytes)/s.Median/1e9)
}

// count writes n as a power of two where it is one.
func count(n int) string {
	power := 0
	for n>>power > 1 {
		power++
	}
	if n > 1 && 1<<power == n {
		return fmt.Sprintf("2^%d", power)
	}
	return fmt.Sprint(n)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
