package program

import "fmt"

// MLPConfig describes a multi-layer perceptron.
type MLPConfig struct {
	Inputs     int     // width of a row
	Hidden     []int   // widths of the hidden layers
	Classes    int     // width of the output
	Activation Op      // after each hidden layer; ReLU if nil
	Dropout    float64 // after each activation; none if 0
}

// MLP builds linear layers with activations between them. The nodes are called as in PyTorch's
// Sequential named "net": net.0, net.1, and so on.
func MLP(c MLPConfig) Graph {
	if c.Activation == nil {
		c.Activation = ReLU{}
	}
	b := &builder{}
	b.add("x", Input{Type: F32, Shape: []int{c.Inputs}})
	next := func(op Op) { b.chain(fmt.Sprintf("net.%d", len(b.nodes)-1), op) }
	for _, width := range c.Hidden {
		next(Linear{Out: width, Bias: true})
		next(c.Activation)
		if c.Dropout > 0 {
			next(Dropout{P: c.Dropout})
		}
	}
	next(Linear{Out: c.Classes, Bias: true})
	return Graph{Nodes: b.nodes}
}

// builder strings nodes together.
type builder struct {
	nodes []Node
}

// add appends a node and returns its name.
func (b *builder) add(name string, op Op, inputs ...string) string {
	b.nodes = append(b.nodes, Node{Name: name, Op: op, Inputs: inputs})
	return name
}

// chain appends a node on the last one and returns its name.
func (b *builder) chain(name string, op Op) string { return b.add(name, op, b.last()) }

// last is the name of the last node.
func (b *builder) last() string { return b.nodes[len(b.nodes)-1].Name }
