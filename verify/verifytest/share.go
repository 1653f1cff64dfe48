package verifytest

import "strings"

// Shares are the kinds of state that make some of the hidden units cheap: the gate lets pass a few.
func Shares() []Share {
	return []Share{
		{"dead", func(s *State, percent int) bool {
			return s.units(func(l, _ *layer) {
				for r := range l.rows * percent / 100 {
					l.bias[r] = -1e4
				}
			})
		}},
		{"equal", func(s *State, percent int) bool {
			return s.units(func(l, next *layer) {
				width := next.inner / l.rows // what a unit is to the next layer
				for r := range l.rows * percent / 100 {
					copy(l.weight[r*l.inner:][:l.inner], l.weight)
					l.bias[r] = l.bias[0]
					for k := range next.rows {
						copy(next.weight[k*next.inner+r*width:][:width], next.weight[k*next.inner:])
					}
				}
			})
		}},
	}
}

// Share is a kind of state that makes a percentage of all hidden units cheap.
type Share struct {
	Name string
	// Forge changes an honest state. It says whether the program has such a state.
	Forge func(s *State, percent int) bool
}

// units changes each layer of hidden units and the one behind it: all but the last, and of a transformer those that widen.
func (s *State) units(change func(l, next *layer)) (some bool) {
	all := s.hidden()
	for i := range all[:len(all)-1] {
		if s.has("ln1") && !strings.HasSuffix(all[i].name, ".up") || all[i].bias == nil {
			continue
		}
		change(&all[i], &all[i+1])
		some = true
	}
	s.each("opt/", "", fill(0))
	return some
}
