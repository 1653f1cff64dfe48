package tabular

import (
	"fmt"
	"slices"
	"strings"
)

// Header says whether a CSV begins with a line of names.
type Header int

// What the first line of a CSV is.
const (
	Auto Header = iota // told by the file, or refused
	Yes
	No
)

// ParseHeader reads a flag's value: auto, yes or no.
func ParseHeader(text string) (Header, error) {
	if k := slices.Index([]string{"auto", "yes", "no"}, text); k >= 0 {
		return Header(k), nil
	}
	return 0, fmt.Errorf("%.40q: want auto, yes or no", text)
}

const headerRemedy = "say --header yes or no"

// headerOf tells whether the first of two lines is names, the second being nil if there is none. Where the two do not
// settle it, it says why.
//
//   - A name of o.Pick that the first line has settles it.
//   - Where no field of the first line is a number, and one stands above a number, they are names.
//   - Numbers are data, unless they count from 0 or from 1, or are years: pandas writes such names.
//   - A number that is not whole is no name.
//
// Everything else is left to whoever knows the file.
func headerOf(first, second []string, o Options) (header bool, doubt error) {
	numbers, above := 0, false
	var integers []int64
	fraction := false
	for k, f := range first {
		text := strings.TrimSpace(f)
		if slices.Contains(o.Pick, text) && !isNumber(f, o.DecimalComma) {
			return true, nil
		}
		if isNumber(f, o.DecimalComma) {
			numbers++
			if n, err := parseNumber(f, o.DecimalComma); err == nil && n.whole {
				integers = append(integers, n.i)
			} else {
				fraction = true
			}
			continue
		}
		// The header of R's write.table lacks the name of its first column.
		if at := k + max(0, len(second)-len(first)); at < len(second) && isNumber(second[at], o.DecimalComma) {
			above = true
		}
	}
	switch {
	case numbers == 0 && above:
		return true, nil
	case numbers == 0 && second == nil:
		return false, fmt.Errorf("line 1 has text alone, and nothing follows it: names without rows, or a row without names: %s", headerRemedy)
	case numbers == 0:
		return false, fmt.Errorf("line 1 and the line below it have text alone: whether line 1 is names cannot be told: %s", headerRemedy)
	case fraction && above:
		return false, fmt.Errorf("line 1 has numbers as well as text above numbers: %s", headerRemedy)
	case fraction:
		return false, nil
	case above:
		return false, fmt.Errorf("line 1 has text above numbers, as names have, and numbers: %s", headerRemedy)
	}
	if counts(integers, 0) || counts(integers, 1) {
		return false, fmt.Errorf("line 1 counts from %d, as pandas names columns that have no name: %s", integers[0], headerRemedy)
	}
	if years(integers) {
		return false, fmt.Errorf("line 1 holds years, which may be names: %s", headerRemedy)
	}
	return false, nil
}

// counts says that numbers go up from the first by one.
func counts(n []int64, from int64) bool {
	for k, v := range n {
		if v != from+int64(k) {
			return false
		}
	}
	return true
}

// years says that all numbers may be years.
func years(n []int64) bool {
	for _, v := range n {
		if v < 1800 || v > 2200 {
			return false
		}
	}
	return true
}

// separatorOf finds what separates the fields of a line: the only one of comma, semicolon and tab that is in it outside of
// quotes. A line without any is one field.
func separatorOf(line string, o Options) (rune, error) {
	if o.Separator != 0 {
		return o.Separator, nil
	}
	var found []rune
	quoted := false
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted || r == ',' && o.DecimalComma:
		case (r == ',' || r == ';' || r == '\t') && !slices.Contains(found, r):
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		if o.DecimalComma {
			return ';', nil
		}
		return ',', nil
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("line 1 has %q: which of them separates is not clear: say --separator comma, semicolon or tab", string(found))
}
