package oracle

import (
	"fmt"
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
func Operators() []string {
	return []string{
		"add", "attention", "avg_pool2d", "conv2d", "dropout", "embedding", "flatten", "gelu", "gelu_tanh", "input", "layer_norm",
		"linear", "max_pool2d", "mul", "position_embedding", "relu", "rms_norm", "sigmoid", "silu", "softmax", "tanh",
	}
}

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
		if err == nil {
			err = w.err
		}
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
	params := w.params[w.taken : w.taken+len(n.Params)]
	w.taken += len(n.Params)
	cols := n.Output.Shape[len(n.Output.Shape)-1]
	rows := w.rows * n.Output.Len() / cols
	in := func(k int) *gorgonia.Node { return w.matrixOf(n.In[k], walked) }

	switch op := n.Op.(type) {
	case program.Input:
		if op.Type == program.I32 {
			return nil, w.expectIDs(rows * cols)
		}
		return w.value(w.batch.X, rows, cols), nil
	case program.Add:
		return w.add(in(0), in(1)), nil
	case program.Mul:
		return w.times(in(0), in(1)), nil
	case program.Flatten:
		return w.reshape(in(0), rows, cols), nil
	case program.ReLU:
		return w.relu(in(0)), nil
	case program.GELU:
		return w.gelu(in(0)), nil
	case program.GELUTanh:
		return w.geluTanh(in(0)), nil
	case program.SiLU:
		return w.silu(in(0)), nil
	case program.Tanh:
		return w.tanh(in(0)), nil
	case program.Sigmoid:
		return w.sigmoid(in(0)), nil
	case program.Softmax:
		return w.softmax(in(0), cols), nil
	case program.Dropout:
		return w.dropout(in(0), op.P, uint32(n.Index), rows, cols), nil
	case program.Linear:
		return w.linear(in(0), params[0], optional(params), rows, op.Out), nil
	case program.LayerNorm:
		return w.layerNorm(in(0), params[0], params[1], rows, cols, op.Eps), nil
	case program.RMSNorm:
		return w.rmsNorm(in(0), params[0], rows, cols, op.Eps), nil
	case program.Embedding:
		return w.embedding(w.batch.IDs, params[0], op.Vocab), nil
	case program.PositionEmbedding:
		all := w.spread(params[0], w.rows, n.Output.Len())
		return w.add(in(0), w.reshape(all, rows, cols)), nil
	case program.Attention:
		return w.attention(in(0), w.rows, op.Heads, n.Output.Shape[0], cols/op.Heads, op.Causal), nil
	case program.Conv2D:
		g := windowOf(walked[n.In[0]].Output, op.Kernel, op.Stride, op.Padding)
		return w.conv2d(in(0), params[0], optional(params), w.rows, op.Out, g), nil
	case program.MaxPool2D:
		return w.maxPool2d(in(0), w.rows, windowOf(walked[n.In[0]].Output, op.Kernel, op.Stride, op.Padding)), nil
	case program.AvgPool2D:
		return w.avgPool2d(in(0), w.rows, windowOf(walked[n.In[0]].Output, op.Kernel, op.Stride, op.Padding)), nil
	}
	return nil, &UnsupportedError{What: n.Op.Kind()}
}

// matrixOf is node k's output with one row for each run of its last dimension.
func (w *walk) matrixOf(k int, walked []program.Walked) *gorgonia.Node {
	shape := walked[k].Output.Shape
	cols := shape[len(shape)-1]
	return w.reshape(w.outputs[k], w.rows*walked[k].Output.Len()/cols, cols)
}

func (w *walk) expectIDs(n int) error {
	if len(w.batch.IDs) != n {
		return fmt.Errorf("%d ids given, %d needed", len(w.batch.IDs), n)
	}
	return nil
}

// optional is a layer's bias, nil if it has none.
func optional(params gorgonia.Nodes) *gorgonia.Node {
	if len(params) < 2 {
		return nil
	}
	return params[1]
}

func windowOf(in program.TensorSpec, kernel, stride, pad [2]int) window {
	return window{channels: in.Shape[0], height: in.Shape[1], width: in.Shape[2], kernel: kernel, stride: stride, pad: pad}
}
