package checkpoint

import (
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// Matched is a tensor of a program's base, and where it comes from.
type Matched struct {
	Spec program.TensorSpec
	From *Tensor // nil if it is drawn
	Same *Tensor // that the file has as well, under the name of what is tied to it; nil if it has none
}

// Left is a tensor of a checkpoint that the program has no use for.
type Left struct {
	*Tensor
	As string // its name after prefixes and renaming
}

// Match is how the tensors of a checkpoint and of a program's base belong together.
type Match struct {
	Base    []Matched // in the order of Plan.Base, without those that are missing
	Missing []program.TensorSpec
	Left    []Left // in the order of the checkpoint
	Hint    string // a flag that would match more; empty if none would
}

// Match matches the tensors with the base of a program, whose plan is plan. Those of another shape or element type are refused.
func (c *Checkpoint) Match(p *program.Program, plan *program.Plan, names Names) (*Match, error) {
	have := make(map[string]*Tensor, len(c.Tensors))
	for _, t := range c.Tensors {
		as := names.of(t.Name)
		if other := have[as]; other != nil {
			return nil, t.fail(fault.WrongType, "is %q to the program, and so is %q", as, other.Name)
		}
		have[as] = t
	}
	tied := make(map[string][]string)
	for _, tie := range p.Graph.Tied {
		tied[tie.As] = append(tied[tie.As], tie.Name)
	}
	m := &Match{}
	used := make(map[*Tensor]bool)
	for _, spec := range plan.Base() {
		found := Matched{Spec: spec, From: have[spec.Name]}
		for _, name := range tied[spec.Name] {
			switch t := have[name]; {
			case t == nil:
			case found.From == nil:
				found.From = t
			case found.Same != nil:
				return nil, t.fail(fault.WrongType, "a third copy of %q, two at most are compared", spec.Name)
			default:
				found.Same = t
			}
		}
		if found.From == nil {
			m.Missing = append(m.Missing, spec)
			continue
		}
		for _, t := range []*Tensor{found.From, found.Same} {
			if t == nil {
				continue
			}
			used[t] = true
			if err := t.fits(spec); err != nil {
				return nil, err
			}
		}
		m.Base = append(m.Base, found)
	}
	for _, t := range c.Tensors {
		if !used[t] {
			m.Left = append(m.Left, Left{t, names.of(t.Name)})
		}
	}
	if flag, prefix, n := suggest(m.Missing, m.Left); n > 0 {
		m.Hint = fmt.Sprintf("%s %s would match %d more", flag, prefix, n)
	}
	return m, nil
}

// fits refuses a tensor that cannot be one of a program.
func (t *Tensor) fits(spec program.TensorSpec) error {
	same := len(t.Shape) == len(spec.Shape)
	for k := 0; same && k < len(spec.Shape); k++ {
		same = t.Shape[k] == spec.Shape[k]
	}
	switch {
	case !widened(t.DType):
		return t.fail(fault.WrongType, "of type %s: F32, F16 and BF16 are what a program's tensors are read from", t.DType)
	case !same:
		return t.fail(fault.WrongType, "of shape %v, the program's %q has %v", t.Shape, spec.Name, spec.Shape)
	}
	return nil
}

// Whole is an error unless nothing is missing.
func (m *Match) Whole() error {
	if len(m.Missing) == 0 {
		return nil
	}
	var some []string
	for _, s := range m.Missing[:min(3, len(m.Missing))] {
		some = append(some, fmt.Sprintf("%q %v", s.Name, s.Shape))
	}
	return fault.New(fault.WrongType, "", "", "%d of %d tensors of the program are missing: %s", len(m.Missing), len(m.Missing)+len(m.Base), strings.Join(some, ", ")+more(len(m.Missing), 3))
}

func more(n, shown int) string {
	if n > shown {
		return ", ..."
	}
	return ""
}
