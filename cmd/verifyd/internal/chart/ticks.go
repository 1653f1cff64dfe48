package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// ticks are marks at round numbers: at most so many, and fewer where their labels take more than room, in sizes of
// their font.
type ticks struct {
	most int
	room vg.Length
}

// across are the marks of a horizontal axis, which has this much room beside the longest names; upward has no such limit.
func across(most int) ticks { return ticks{most, 30} }
func upward(most int) ticks { return ticks{most, 1 << 20} }

// Ticks are the marks of an axis from lo to hi, which differ by more than a billionth of the larger.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	for power := int(math.Floor(math.Log10((hi-lo)/float64(t.most)))) - 1; ; power++ {
		for _, m := range []int64{1, 2, 5} {
			step := float64(m) * math.Pow10(power)
			first, last := int64(math.Ceil(lo/step)), int64(math.Floor(hi/step))
			if last-first >= int64(t.most) {
				continue
			}
			var marks []plot.Tick
			room := vg.Length(0)
			for k := first; k <= last; k++ {
				label := decimal(k*m, power, max(-first, last)*m)
				marks, room = append(marks, plot.Tick{Value: float64(k) * step, Label: label}), room+ems(label)+1
			}
			if room <= t.room || len(marks) < 3 {
				return marks
			}
		}
	}
}

// decimal is n times 10^power; in thousands, millions or billions where the largest on the axis is ten thousand or more.
func decimal(n int64, power int, largest int64) string {
	unit := ""
	digits := len(strconv.FormatInt(largest, 10)) + power // before the point, of the largest
	for i := 0; i < 3 && (digits > 4 || i > 0 && digits > 3); i++ {
		digits, power, unit = digits-3, power-3, []string{"k", "M", "G"}[i]
	}
	if n == 0 {
		return "0"
	}
	s, sign := strconv.FormatInt(max(n, -n), 10), ""
	if n < 0 {
		sign = "−"
	}
	if power >= 0 {
		return sign + s + strings.Repeat("0", power) + unit
	}
	if len(s) <= -power {
		s = strings.Repeat("0", 1-power-len(s)) + s
	}
	whole, part := s[:len(s)+power], s[len(s)+power:]
	if unit != "" {
		part = strings.TrimRight(part, "0")
	}
	if part == "" {
		return sign + whole + unit
	}
	return fmt.Sprintf("%s%s.%s%s", sign, whole, part, unit)
}
