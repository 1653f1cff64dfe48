package checkpoint

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify/program"
)

// Names says what the tensors of a file are called in a program.
type Names struct {
	Rename [][2]string // parts of names, and what they are replaced by, one after the other
	Strip  string      // what names lose at their beginning, where they have it
	Add    string      // what they begin with then
}

// of is a file's name in the program.
func (n *Names) of(name string) string {
	for _, r := range n.Rename {
		name = strings.ReplaceAll(name, r[0], r[1])
	}
	return n.Add + strings.TrimPrefix(name, n.Strip)
}

// suggest says which prefix would match more of what is missing, as the flag of it; none if none does.
func suggest(missing []program.TensorSpec, left []Left) (flag, prefix string, matches int) {
	type guess struct{ flag, prefix string }
	votes := make(map[guess]int)
	need := make(map[string]bool, len(missing))
	for _, m := range missing {
		need[m.Name] = true
	}
	ends := make(map[string][]string) // of names that are left, by their last two parts
	for _, l := range left {
		ends[ending(l.As)] = append(ends[ending(l.As)], l.As)
	}
	for _, m := range missing {
		seen := make(map[guess]bool)
		for _, name := range ends[ending(m.Name)] {
			g := guess{}
			switch {
			case strings.HasSuffix(name, "."+m.Name):
				g = guess{"--strip", strings.TrimSuffix(name, m.Name)}
			case strings.HasSuffix(m.Name, "."+name):
				g = guess{"--add", strings.TrimSuffix(m.Name, name)}
			}
			if g.prefix != "" && !seen[g] {
				seen[g] = true
				votes[g]++
			}
		}
	}
	best := guess{}
	for _, g := range slices.SortedFunc(maps.Keys(votes), func(a, b guess) int { return cmp.Or(cmp.Compare(a.flag, b.flag), cmp.Compare(a.prefix, b.prefix)) }) {
		if votes[g] > votes[best] {
			best = g
		}
	}
	return best.flag, best.prefix, votes[best]
}

// ending is the last part of a name: that which a prefix leaves alone.
func ending(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
