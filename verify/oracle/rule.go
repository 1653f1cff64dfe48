package oracle

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/verifyd/verifyd/verify/program"
)

// rule builds the nodes of one kind.
type rule struct {
	kind  string
	build func(w *walk, s site) *gorgonia.Node
}

// site is where a node is built: it, its parameters, and its inputs as matrices with one row for each run of the
// last dimension. So has its output, rows x cols.
type site struct {
	program.Walked
	params     gorgonia.Nodes
	in         gorgonia.Nodes
	specs      []program.TensorSpec // of the inputs
	rows, cols int
}

// optional is a layer's bias, nil if it has none.
func (s site) optional() *gorgonia.Node {
	if len(s.params) < 2 {
		return nil
	}
	return s.params[1]
}

// of is the rule of an operator with attributes.
func of[T program.Op](build func(w *walk, s site, op T) *gorgonia.Node) rule {
	var zero T
	return rule{zero.Kind(), func(w *walk, s site) *gorgonia.Node { return build(w, s, s.Op.(T)) }}
}

// each is the rule of an elementwise function.
func each[T program.Op](f func(t *tape, x *gorgonia.Node) *gorgonia.Node) rule {
	return of(func(w *walk, s site, _ T) *gorgonia.Node { return f(w.tape, s.in[0]) })
}

// rules are those of every page, by kind.
var rules = func() map[string]func(w *walk, s site) *gorgonia.Node {
	all := map[string]func(w *walk, s site) *gorgonia.Node{}
	for _, r := range slices.Concat(activations, layers, movements) {
		all[r.kind] = r.build
	}
	return all
}()
