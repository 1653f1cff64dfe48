package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"github.com/verifyd/verifyd/verify/program"
)

// Batch is the input of one step, accumulation times batch size rows: X and Y where the program takes numbers,
// IDs and Labels where it takes token ids and class numbers.
type Batch struct {
	X      []float64
	IDs    []int32
	Y      []float64
	Labels []int32

	// Seed and Step choose the random numbers of dropout, as a machine's seed and step do.
	Seed, Step uint64
}

// UnsupportedError says that a program has something that the oracle cannot compute.
type UnsupportedError struct {
	What string // kind of the node, or name of the loss or optimizer
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("oracle: %s is not supported; it has %s", e.What, strings.Join(Operators(), ", "))
}

// Operators lists the kinds of nodes that the oracle computes.
func Operators() []string { return slices.Sorted(maps.Keys(rules)) }

// Gradients returns the loss of one step of p and its derivative by each parameter, in the order of
// Plan.Params, given the parameters in that order. It fails with an UnsupportedError where it has no operator,
// and with gorgonia's error, panics included, where gorgonia refuses a shape.
func Gradients(p *program.Program, params [][]float64, b Batch) (loss float64, grads [][]float64, err error) {
	defer func() {
		// Gorgonia reports some misuse of shapes by panicking. No panic may leave a library of verifyd.
		if r := recover(); r != nil {
			err = fmt.Errorf("oracle: gorgonia: %v", r)
		}
	}()
	walked, err := p.Graph.Walk()
	if err != nil {
		return 0, nil, fmt.Errorf("oracle: %w", err)
	}
	if len(p.Graph.Tied)+len(p.Graph.Frozen) > 0 {
		return 0, nil, &UnsupportedError{What: "tied or frozen parameters"}
	}
	for _, n := range walked {
		if rules[n.Op.Kind()] == nil {
			return 0, nil, &UnsupportedError{What: n.Op.Kind()}
		}
	}
	w := &walk{tape: newTape(), micro: p.BatchSize, rows: p.BatchSize * p.Accumulation, accumulation: p.Accumulation, batch: b}
	for _, n := range walked {
		for _, spec := range n.Params {
			if len(w.params) == len(params) {
				return 0, nil, fmt.Errorf("oracle: %d parameters given, more needed", len(params))
			}
			// Every parameter is entered as a matrix: a vector as one row, filters as one row for each.
			rows := 1
			if len(spec.Shape) > 1 {
				rows = spec.Shape[0]
			}
			w.params = append(w.params, w.value(params[len(w.params)], rows, spec.Len()/rows))
		}
	}
	if len(w.params) != len(params) {
		return 0, nil, fmt.Errorf("oracle: %d parameters given, %d needed", len(params), len(w.params))
	}
	cost, err := w.cost(p.Loss, walked)
	if err != nil {
		return 0, nil, err
	}
	if loss, grads, err = w.run(cost, w.params); err != nil {
		return 0, nil, fmt.Errorf("oracle: %w", err)
	}
	return loss, grads, nil
}

// walk is a graph while it is rebuilt.
type walk struct {
	*tape
	micro, rows  int // rows of a micro-batch, and of the step
	accumulation int
	batch        Batch
	params       gorgonia.Nodes // all, in order
	taken        int            // how many the nodes so far have taken
	outputs      []*gorgonia.Node
}

// cost builds every node and the loss of the last one.
func (w *walk) cost(loss program.Loss, walked []program.Walked) (*gorgonia.Node, error) {
	for _, n := range walked {
		y, err := w.node(n, walked)
		if err != nil {
			return nil, fmt.Errorf("oracle: node %q: %w", n.Name, err)
		}
		w.outputs = append(w.outputs, y)
	}
	last := walked[len(walked)-1].Output
	out := w.outputs[len(w.outputs)-1]
	n := w.rows * last.Len()
	switch loss {
	case program.CrossEntropy:
		classes := last.Shape[len(last.Shape)-1]
		if len(w.batch.Labels) != n/classes {
			return nil, fmt.Errorf("oracle: %d labels given, %d needed", len(w.batch.Labels), n/classes)
		}
		return w.crossEntropy(w.reshape(out, n/classes, classes), w.batch.Labels, classes), nil
	case program.MSE:
		return w.mse(w.reshape(out, w.rows, last.Len()), w.value(w.batch.Y, w.rows, last.Len()), n), nil
	}
	return nil, &UnsupportedError{What: "loss " + string(loss)}
}

// node builds one node. Its value is a matrix of whatever split suits the operator; matrix restores the one
// that the next operator wants.
func (w *walk) node(n program.Walked, walked []program.Walked) (*gorgonia.Node, error) {
	build, ok := rules[n.Op.Kind()]
	if !ok {
		return nil, &UnsupportedError{What: n.Op.Kind()}
	}
	s := site{Walked: n, params: w.params[w.taken : w.taken+len(n.Params)]}
	w.taken += len(n.Params)
	s.cols = n.Output.Shape[len(n.Output.Shape)-1]
	s.rows = w.rows * n.Output.Len() / s.cols
	for _, k := range n.In {
		s.in, s.specs = append(s.in, w.matrixOf(k, walked)), append(s.specs, walked[k].Output)
	}
	return build(w, s), w.err
}

// matrixOf is node k's output with one row for each run of its last dimension, nil if that is ids.
func (w *walk) matrixOf(k int, walked []program.Walked) *gorgonia.Node {
	if w.outputs[k] == nil {
		return nil
	}
	shape := walked[k].Output.Shape
	cols := shape[len(shape)-1]
	return w.reshape(w.outputs[k], w.rows*walked[k].Output.Len()/cols, cols)
}
