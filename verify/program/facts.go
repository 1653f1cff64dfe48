package program

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// Tie says that a node's parameter is no tensor of its own but another node's: a head that is the token embedding. Its
// gradient is the sum of those of its uses.
type Tie struct {
	Name string `json:"name"` // of the parameter that is none
	As   string `json:"as"`   // of the one that stands for it, of an earlier node and the same shape
}

// class is what becomes of a tensor of the state in a step.
type class uint8

const (
	trained class = iota // the optimizer moves it by its gradient
	kept                 // a forward pass moves it: a buffer, such as running statistics
	frozen               // nothing does
)

// tensor is one tensor of a state, however many parameters of nodes it stands for.
type tensor struct {
	spec   TensorSpec
	init   initial
	class  class
	moves  bool // a forward pass changes it
	number int  // its place among all parameters in graph order, frozen or not, without constants: what its start is drawn as
	uses   int  // parameters that it stands for
	group  int  // that moves it: 0 for the program's own, else one more than its place among the others
	offset int  // in its region, once there is a plan
}

// keeper is an operator with buffers: tensors of the state that a step updates and that have no gradient, such as
// running statistics.
type keeper interface {
	Op
	// buffers lists them, named and started as parameters are, in the order of n.buffers, and says whether a step changes
	// them. Only if it does not may a program freeze them.
	buffers(in []TensorSpec) (list []param, changes bool)
}

// named is a tensor under one of its names.
type named struct {
	*tensor
	node  int
	alias bool // the tensor is another one's
}

// settle checks what a graph says of its tensors and makes it so in walked, whose nodes have a tensor for each parameter
// and each buffer.
func (g Graph) settle(walked []Walked) error {
	all := make(map[string]*named)
	for i := range walked {
		for _, t := range walked[i].tensors {
			if all[t.spec.Name] != nil {
				return outOfRange(fmt.Sprintf("nodes[%d] %q", i, walked[i].Name), "two tensors are called %.300q", t.spec.Name)
			}
			all[t.spec.Name] = &named{tensor: t, node: i}
		}
	}
	for i, tie := range g.Tied {
		if err := g.tie(i, tie, all); err != nil {
			return fault.Under(fmt.Sprintf("tied[%d]", i), err)
		}
	}
	for i, name := range g.Frozen {
		if err := g.freeze(i, name, all); err != nil {
			return fault.Under(fmt.Sprintf("frozen[%d]", i), err)
		}
	}
	number := 0
	for i := range walked {
		w := &walked[i]
		for k, t := range w.tensors {
			n := all[t.spec.Name]
			if t.class != kept && t.init.values == nil && !n.alias {
				n.number = number
				number++
			}
			w.tensors[k] = n.tensor
			n.uses++
		}
		for k := range w.Params {
			w.Params[k] = w.tensors[k].spec
		}
	}
	return nil
}

// checkTrained refuses a graph that has tensors and trains none.
func checkTrained(walked []Walked) error {
	tensors := 0
	for _, w := range walked {
		for _, t := range w.tensors {
			if t.class == trained {
				return nil
			}
			tensors++
		}
	}
	if tensors > 0 {
		return outOfRange("frozen", "no parameter is left to train")
	}
	return nil
}

func (g Graph) tie(i int, tie Tie, all map[string]*named) error {
	if i > 0 && tie.Name <= g.Tied[i-1].Name {
		return outOfRange("name", "%.300q does not come after %.300q: each once, in ascending order", tie.Name, g.Tied[i-1].Name)
	}
	from, to := all[tie.Name], all[tie.As]
	for _, n := range []struct {
		field, name string
		found       *named
	}{{"name", tie.Name, from}, {"as", tie.As, to}} {
		if n.found == nil || n.found.class != trained {
			return outOfRange(n.field, "no parameter is called %.300q", n.name)
		}
		if n.found.alias {
			return outOfRange(n.field, "%.300q is tied itself", n.name)
		}
	}
	if to.node >= from.node {
		return outOfRange("as", "%.300q is not of an earlier node than %.300q", tie.As, tie.Name)
	}
	if a, b := from.spec.Shape, to.spec.Shape; fmt.Sprint(a) != fmt.Sprint(b) {
		return outOfRange("as", "%.300q has shape %v, %.300q has %v: equal shapes needed", tie.As, b, tie.Name, a)
	}
	for _, n := range all {
		if n.alias && n.tensor == from.tensor {
			return outOfRange("name", "%.300q stands for another parameter", tie.Name)
		}
	}
	*from = named{tensor: to.tensor, node: from.node, alias: true}
	return nil
}

func (g Graph) freeze(i int, name string, all map[string]*named) error {
	if i > 0 && name <= g.Frozen[i-1] {
		return outOfRange("", "%.300q does not come after %.300q: each once, in ascending order", name, g.Frozen[i-1])
	}
	n := all[name]
	switch {
	case n == nil:
		return outOfRange("", "no tensor is called %.300q", name)
	case n.alias:
		return outOfRange("", "%.300q is tied to %.300q, which alone can be frozen", name, n.spec.Name)
	case n.class == frozen:
		return outOfRange("", "%.300q is a constant", name)
	case n.moves:
		return outOfRange("", "%.300q is a buffer that each step changes", name)
	}
	n.class = frozen
	return nil
}

// tensorsOf makes the tensors of a node, each under its own name.
func (w *Walked) tensorsOf(in []TensorSpec, params []param) error {
	add := func(list []param, c class, moves bool) error {
		for _, p := range list {
			if _, err := elements(p.shape...); err != nil {
				return fault.Under(p.name, err)
			}
			spec := TensorSpec{Name: w.tensorName(p.name), Kind: kernels.F32, Shape: p.shape}
			w.tensors = append(w.tensors, &tensor{spec: spec, init: p.init, class: c, moves: moves})
		}
		return nil
	}
	own := trained
	if _, ok := w.Op.(ConstantTensor); ok {
		own = frozen
	}
	if err := add(params, own, false); err != nil {
		return err
	}
	for _, t := range w.tensors {
		w.Params = append(w.Params, t.spec)
	}
	if k, ok := w.Op.(keeper); ok {
		list, changes := k.buffers(in)
		return add(list, kept, changes)
	}
	return nil
}

// rename calls the node's tensors what the node says. A node that says what is so anyway is refused: a program has one
// spelling.
func (w *Walked) rename() error {
	names := w.Node.Tensors
	if len(names) == 0 {
		return nil
	}
	if len(names) != len(w.tensors) {
		return outOfRange("tensors", "%d names, the node has %d tensors", len(names), len(w.tensors))
	}
	plain := true
	for i, t := range w.tensors {
		if err := checkName(names[i]); err != nil {
			return fault.Under(fmt.Sprintf("tensors[%d]", i), err)
		}
		plain = plain && t.spec.Name == names[i]
		t.spec.Name = names[i]
	}
	if plain {
		return outOfRange("tensors", "they are called so without")
	}
	for i := range w.Params {
		w.Params[i].Name = w.tensors[i].spec.Name
	}
	return nil
}

// tensorName is the full name of a node's tensor; a node that is one gives it its name.
func (w *Walked) tensorName(part string) string {
	if part == "" {
		return w.Name
	}
	return w.Name + "." + part
}

// region is tensors that lie one after another.
type region struct {
	tensors []*tensor
	words   int // padding included
}

func (r *region) add(t *tensor) {
	r.place(t)
	r.tensors = append(r.tensors, t)
}

// place gives the next words to a tensor.
func (r *region) place(t *tensor) {
	t.offset = r.words
	r.words += padded(t.spec.Len())
}

// specs describes the tensors under prefix.
func (r *region) specs(prefix string) []TensorSpec {
	all := make([]TensorSpec, len(r.tensors))
	for i, t := range r.tensors {
		all[i] = t.spec
		all[i].Name = prefix + t.spec.Name
	}
	return all
}

// split is each tensor's part of a range that is laid out as the region is.
func (r *region) split(at kernels.Range) []kernels.Range {
	all := make([]kernels.Range, len(r.tensors))
	for i, t := range r.tensors {
		all[i] = kernels.Range{Offset: at.Offset + t.offset, Words: t.spec.Len()}
	}
	return all
}

// start sets host memory of the tensors to what precedes the draws.
func (r *region) start(tensors [][]float32) {
	for i, t := range r.tensors {
		x := tensors[i]
		for k := range x {
			x[k] = t.init.constant
		}
		copy(x, t.init.values)
	}
}
