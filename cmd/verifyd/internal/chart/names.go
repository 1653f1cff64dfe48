package chart

import (
	"fmt"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg"
)

const (
	maxName  = 200           // characters of a name where it is given in full
	labelEms = vg.Length(16) // room for a name beside a row or in a legend, in sizes of its font
	joiner   = '\u200d'      // of pictures that are made of several
	box      = '□'           // what cannot be shown
	maxMarks = 2             // accents and the like on one letter
)

// plain is a text as it can be shown in one line: without what steers a terminal, a printer or the direction of
// writing, without letters that carry more than two marks, and without those that fonts draw as long as a sentence.
func plain(s string) string {
	var b strings.Builder
	marks, runes, space := maxMarks, 0, true // no mark stands alone, and no space begins
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			if !space {
				b.WriteByte(' ')
			}
			space, marks = true, maxMarks
			continue
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				continue
			}
		case r == joiner:
		case unicode.In(r, unicode.Cf, unicode.Cs):
			continue
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar || r >= 0xfbb2 && r < 0xfe00 || r >= 0x12000 && r < 0x12550:
			r, marks = box, 0
		default:
			marks = 0
		}
		space = false
		if runes++; runes > maxName {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// shorten is a plain text that takes no more than room: its middle is left out, since names often differ at their ends.
func shorten(s string, room vg.Length) string {
	if ems(s) <= room {
		return s
	}
	r := []rune(s)
	room -= ems("…")
	head, tail := 0, len(r)
	for head < tail {
		fore := head <= len(r)-tail // the side whose turn it is
		next := r[head]
		if !fore {
			next = r[tail-1]
		}
		if room -= advance(next); room < 0 {
			break
		}
		if fore {
			head++
		} else {
			tail--
		}
	}
	for tail < len(r) && advance(r[tail]) == 0 { // a mark without its letter
		tail++
	}
	return strings.TrimRight(string(r[:head]), " \u200d") + "…" + strings.TrimLeft(string(r[tail:]), " ")
}

// labels are the names of rows or curves, short, and each another: names that look alike have the row's number, from 1,
// behind them.
func labels(names []string, number func(i int) int) []string {
	short := make([]string, len(names))
	numbered := make([]bool, len(names))
	for again := true; again; {
		again = false
		seen := map[string]int{}
		for i, n := range names {
			suffix, name := "", plain(n)
			if name == "" {
				name = "(no name)"
			}
			if numbered[i] {
				suffix = fmt.Sprintf(" #%d", number(i))
			}
			short[i] = shorten(name, labelEms-ems(suffix)) + suffix
			seen[short[i]]++
		}
		for i, s := range short {
			if seen[s] > 1 && !numbered[i] {
				numbered[i], again = true, true
			}
		}
	}
	return short
}
