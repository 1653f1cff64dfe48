package verifytest

import "strings"

// CheapStates are the states that were tried against the gate.
func CheapStates() []CheapState {
	return []CheapState{
		{"all zeros", "0", func(s *State) bool { return s.each("param/", "", fill(0)) }},
		{"all units equal", "0.01", func(s *State) bool { return s.symmetric(everyUnit) }},
		{"units equal within an ulp", "0.03", func(s *State) bool {
			some := s.symmetric(everyUnit)
			s.ulps(1)
			return some
		}},
		{"units equal in pairs", "0.3 to 0.5", func(s *State) bool { return s.symmetric(pairs) }},
		{"units equal but for powers of two", "0.01", func(s *State) bool {
			some := s.symmetric(everyUnit)
			for _, l := range s.hidden() {
				for r := range l.rows {
					for k := range l.inner {
						l.weight[r*l.inner+k] *= float32(int(1) << (r % 4))
					}
				}
			}
			return some
		}},
		{"dead units", "0.001", func(s *State) bool { return !s.has("ln1") && s.biases(1, -1e4) }},
		{"half of the units dead", "0.4", func(s *State) bool { return !s.has("ln1") && s.biases(2, -1e4) }},
		{"weights below all normal numbers", "0", func(s *State) bool { return s.each("param/", ".weight", fill(1e-40)) }},
		{"second moments of 1e36", "1/3", func(s *State) bool { return s.each("opt/exp_avg_sq/", "", fill(1e36)) }},
		{"huge weights", "-", func(s *State) bool {
			return s.each("param/", ".weight", func(x []float32, _, _ int) {
				for i := range x {
					x[i] *= 1e12
				}
			})
		}},
		{"heads equal", "attention / heads", func(s *State) bool { return s.blocks("qkv", func(l *layer) { l.alikeHeads(2) }) }},
		{"blocks symmetric", "0.4", func(s *State) bool {
			some := s.blocks("up", func(l *layer) { l.alike(l.rows, false) })
			s.blocks("qkv", func(l *layer) { l.alike(l.rows, false) })
			return s.blocks("down", func(l *layer) { l.alike(1, false); l.equalInputs() }) && some
		}},
		{"blocks dead", "0.2", func(s *State) bool {
			some := s.blocks("up", func(l *layer) { fill(-1e4)(l.bias, 0, 0) })
			return s.blocks("qkv", func(l *layer) { fill(0)(l.weight, 0, 0) }) && some
		}},
		{"norms of gain zero", "1 after some steps", func(s *State) bool {
			some := s.each("param/", "ln1.weight", fill(0))
			s.each("param/", "ln2.weight", fill(0))
			return some
		}},
		{"positions drown tokens", "1 / batch", func(s *State) bool {
			return s.each("param/pos", "", func(x []float32, _, _ int) {
				for i := range x {
					x[i] *= 1e8
				}
			})
		}},
	}
}

// blocks changes a layer of each block of a transformer.
func (s *State) blocks(part string, change func(l *layer)) (some bool) {
	for _, l := range s.hidden() {
		if strings.HasSuffix(l.name, "."+part) && strings.Contains(l.name, "blocks.") {
			change(&l)
			some = true
		}
	}
	return some
}

// alikeHeads makes queries, keys and values of so many neighbouring heads of a layer that projects to them equal, for heads
// of the width that the tests' models have.
func (l *layer) alikeHeads(heads int) {
	third := l.rows / 3
	width := third / heads
	for r := range l.rows {
		from := r/third*third + r%width
		copy(l.weight[r*l.inner:][:l.inner], l.weight[from*l.inner:])
		l.bias[r] = l.bias[from]
	}
}

// equalInputs makes all inputs of a layer count the same.
func (l *layer) equalInputs() {
	for r := range l.rows {
		fill(l.weight[r*l.inner])(l.weight[r*l.inner:][:l.inner], 0, 0)
	}
}
