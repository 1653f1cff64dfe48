package verifytest

import (
	"math"
	"strings"

	"github.com/verifyd/verifyd/verify/program"
)

// CheapState is a state that a worker would like to jump into, because exact steps from it cost less than honest ones, or
// because it is tempting and they do not.
type CheapState struct {
	Name string
	// Gain is the share of honest work that the best exact continuation known to us needs, where it is below 1; what is
	// known is from nets of the benchmarks' size.
	Gain string
	// Forge changes an honest state into it. It says whether the program has such a state.
	Forge func(s *State) bool
}

// State is the tensors of a program's state by their names.
type State struct {
	specs []program.TensorSpec
	data  [][]float32
	noise uint32
}

// NewState is a view of tensors in the order of Plan.Tensors.
func NewState(p *program.Plan, tensors [][]float32) *State {
	return &State{specs: p.Tensors(), data: tensors, noise: 1}
}

// each calls do with the tensors whose names have a prefix and an ending, and says whether there were any.
func (s *State) each(prefix, ending string, do func(x []float32, rows, cols int)) (any bool) {
	for i, t := range s.specs {
		if !strings.HasPrefix(t.Name, prefix) || !strings.HasSuffix(t.Name, ending) {
			continue
		}
		rows := t.Shape[0]
		do(s.data[i], rows, len(s.data[i])/rows)
		any = true
	}
	return any
}

// hidden are the weights and biases between input and output: all layers but the last in front of a hidden unit, and all
// but the first behind one. Embeddings and norms are none.
func (s *State) hidden() (layers []layer) {
	for i, t := range s.specs {
		name, ok := strings.CutSuffix(t.Name, ".weight")
		if !ok || !strings.HasPrefix(name, "param/") || len(t.Shape) < 2 || strings.HasSuffix(name, "tok") || strings.HasSuffix(name, "pos") {
			continue
		}
		l := layer{name: name, weight: s.data[i], rows: t.Shape[0], inner: len(s.data[i]) / t.Shape[0]}
		l.channels, l.taps = t.Shape[1], l.inner/t.Shape[1]
		for k, b := range s.specs {
			if b.Name == name+".bias" {
				l.bias = s.data[k]
			}
		}
		layers = append(layers, l)
	}
	return layers
}

// layer is a linear layer or a convolution.
type layer struct {
	name                        string
	weight, bias                []float32
	rows, inner, channels, taps int
}

// fill sets all of x.
func fill(v float32) func(x []float32, rows, cols int) {
	return func(x []float32, _, _ int) {
		for i := range x {
			x[i] = v
		}
	}
}

// alike makes the rows of a layer copies of every group-th one, so that units come in groups of equal ones.
func (l *layer) alike(group int) {
	for r := range l.rows {
		copy(l.weight[r*l.inner:][:l.inner], l.weight[r/group*group*l.inner:])
		if l.bias != nil {
			l.bias[r] = l.bias[r/group*group]
		}
	}
}

// symmetric makes hidden units copies of one another, in groups. The output layer's rows stay as they are.
func (s *State) symmetric(group func(units int) int) bool {
	all := s.hidden()
	for i := range all {
		l, size := &all[i], group(all[i].rows)
		if i == len(all)-1 {
			size = 1
		}
		if i > 0 {
			// The inputs of this layer are units of the one before, in their groups.
			n := group(all[i-1].rows)
			for r := range l.rows {
				for c := range l.channels {
					block := max(1, l.channels/all[i-1].rows) // what flattening a channel gives
					if l.channels%all[i-1].rows != 0 {
						block = 1
					}
					from := c/block/n*n*block + c%block
					copy(l.weight[r*l.inner+c*l.taps:][:l.taps], l.weight[r*l.inner+from*l.taps:])
				}
			}
		}
		l.alike(size)
	}
	// What an optimizer remembers would tell them apart.
	s.each("opt/", "", fill(0))
	return len(all) > 1
}

// ulps moves the elements of all parameters by up to so many units in the last place.
func (s *State) ulps(most uint32) {
	s.each("param/", "", func(x []float32, _, _ int) {
		for i := range x {
			s.noise = s.noise*1664525 + 1013904223
			if bits := math.Float32bits(x[i]); bits&0x7fffffff != 0 {
				x[i] = math.Float32frombits(bits + (s.noise>>16)%(most+1))
			}
		}
	})
}

// biases sets the biases of a share of the hidden units, one in so many, and says whether there are any.
func (s *State) biases(one int, v float32) bool {
	all := s.hidden()
	some := false
	for i := range all[:len(all)-1] {
		for r := 0; r < len(all[i].bias); r += one {
			all[i].bias[r], some = v, true
		}
	}
	return some
}

// has says whether there are tensors of that name.
func (s *State) has(part string) bool {
	for _, t := range s.specs {
		if strings.Contains(t.Name, part) {
			return true
		}
	}
	return false
}

func everyUnit(units int) int { return units }

func pairs(int) int { return 2 }
