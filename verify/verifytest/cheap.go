package verifytest

import "strings"

// CheapStates are the states that were tried against the gate.
func CheapStates() []CheapState {
	return []CheapState{
		{"all zeros", "0", func(s *State) bool {
			s.each("opt/", "", fill(0))
			return s.each("param/", "", fill(0))
		}},
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
		{"certain of its answers", "1/3", func(s *State) bool {
			all := s.hidden()
			last := all[len(all)-1]
			for i := range last.weight {
				last.weight[i] *= 1e6
			}
			return true
		}},
		{"certain of one answer", "-", func(s *State) bool {
			all := s.hidden()
			if last := all[len(all)-1]; last.bias != nil {
				last.bias[0] = 1e6
				return true
			}
			return false
		}},
		{"small integers of rank four", "0.1 for a step, and longer where all numbers stay dyadic", func(s *State) bool {
			for _, l := range s.hidden() {
				l.integers(4)
			}
			return true
		}},
		{"first layer drowned", "1/2", func(s *State) bool {
			all := s.hidden()
			if s.has("ln1") || all[0].bias == nil {
				return false
			}
			for i := range all[0].weight {
				all[0].weight[i] *= 0x1p-30
			}
			for i := range all[0].bias {
				all[0].bias[i] = 1 + float32(i)/64
			}
			return true
		}},
		{"tokens equal", "1 / batch", func(s *State) bool {
			return s.each("param/tok", "", func(x []float32, rows, cols int) {
				for r := range rows {
					copy(x[r*cols:][:cols], x[:cols])
				}
			})
		}},
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
			some := s.blocks("up", func(l *layer) { l.alike(l.rows) })
			s.blocks("qkv", func(l *layer) { l.alike(l.rows) })
			return s.blocks("down", (*layer).equalInputs) && some
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

// integers makes a layer's weights small integers of a rank, divided by a power of two: sums of products of such numbers are
// exact, so that they may be computed by way of the factors.
func (l *layer) integers(rank int) {
	u, v := l.ranks(l.rows, rank, 5), l.ranks(rank, l.inner, 7)
	for r := range l.rows {
		for k := range l.inner {
			sum := 0
			for i := range rank {
				sum += u[r*rank+i] * v[i*l.inner+k]
			}
			l.weight[r*l.inner+k] = float32(sum) / 64
		}
	}
	if l.bias != nil {
		fill(0)(l.bias, 0, 0)
	}
}

// ranks are integers from -2 to 2.
func (*layer) ranks(rows, cols int, seed uint32) []int {
	all := make([]int, rows*cols)
	for i := range all {
		seed = seed*1664525 + 1013904223
		all[i] = int(seed>>16)%5 - 2
	}
	return all
}

// equalInputs makes all inputs of a layer count the same.
func (l *layer) equalInputs() {
	for r := range l.rows {
		fill(l.weight[r*l.inner])(l.weight[r*l.inner:][:l.inner], 0, 0)
	}
}
