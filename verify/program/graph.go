package program

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// MaxNodes is the largest number of nodes in a graph.
const MaxNodes = 4096

// maxName is the longest name of a node, in bytes.
const maxName = 128

// Graph is a model as nodes in the order of computation. The first nodes are Inputs, every
// other one names earlier nodes as its inputs, each result is used, and the last node is the output.
//
// Tied and Frozen are facts of its tensors, by their full names in ascending order. A frozen one is never changed: it has
// neither gradient nor slot, and what leads to it alone is not computed.
type Graph struct {
	Nodes  []Node   `json:"nodes"`
	Tied   []Tie    `json:"tied,omitempty"`
	Frozen []string `json:"frozen,omitempty"`
}

// Node is one operator applied to earlier nodes. Its parameters are called after it: Name.weight,
// Name.bias. The names of the builders are PyTorch's.
type Node struct {
	Name   string   // ASCII letters, digits, '_', '-' and '.', 1 to 128 bytes, unique
	Inputs []string // names of earlier nodes
	Op     Op
}

// nodeJSON is the form of a node in a file, fields in canonical order.
type nodeJSON struct {
	Name   string          `json:"name"`
	Op     string          `json:"op"`
	Inputs []string        `json:"inputs,omitempty"`
	Attrs  json.RawMessage `json:"attrs"`
}

// MarshalJSON writes the node canonically.
func (n Node) MarshalJSON() ([]byte, error) {
	if n.Op == nil {
		return nil, fmt.Errorf("node %q: op is missing", n.Name)
	}
	attrs, err := json.Marshal(n.Op)
	if err != nil {
		return nil, err
	}
	return json.Marshal(nodeJSON{Name: n.Name, Op: n.Op.Kind(), Inputs: n.Inputs, Attrs: attrs})
}

// UnmarshalJSON reads a node, refusing unknown operators and attributes.
func (n *Node) UnmarshalJSON(data []byte) error {
	var raw nodeJSON
	if err := unmarshal(data, &raw); err != nil {
		return err
	}
	decode, ok := kinds[raw.Op]
	if !ok {
		return fault.New(fault.Unsupported, "", fmt.Sprintf("node %.128q: op", raw.Name), "%.64q is not one of this version's operators", raw.Op)
	}
	op, err := decode(raw.Attrs)
	if err != nil {
		return fault.Under(fmt.Sprintf("node %.128q: attrs", raw.Name), err)
	}
	*n = Node{Name: raw.Name, Inputs: raw.Inputs, Op: op}
	return nil
}

// Walked is a node with what the graph implies for it, as Graph.Walk gives it. Shapes are those of
// one sample, without the batch.
type Walked struct {
	Node
	Index  int          // position in the graph; dropout's operator number
	In     []int        // positions of the inputs
	Output TensorSpec   // named after the node
	Params []TensorSpec // full names, in the order of the operator; of a tied one those of what it is tied to

	tensors []*tensor // behind Params, and then the buffers
}

// Walk checks the graph and returns its nodes in order with their shapes and parameters. Compile,
// and anyone who looks at a graph from outside, starts here.
func (g Graph) Walk() ([]Walked, error) {
	if n := len(g.Nodes); n < 2 || n > MaxNodes {
		return nil, outOfRange("nodes", "%d is outside 2 to %d", n, MaxNodes)
	}
	at := make(map[string]int, len(g.Nodes))
	used := make([]bool, len(g.Nodes))
	walked := make([]Walked, 0, len(g.Nodes))
	for i, n := range g.Nodes {
		w, err := g.walk(i, n, at, walked)
		if err != nil {
			return nil, fault.Under(fmt.Sprintf("nodes[%d] %.128q", i, n.Name), err)
		}
		for _, j := range w.In {
			used[j] = true
		}
		at[n.Name] = i
		walked = append(walked, w)
	}
	for i := range g.Nodes[:len(g.Nodes)-1] {
		if !used[i] {
			return nil, outOfRange(fmt.Sprintf("nodes[%d] %q", i, g.Nodes[i].Name), "its result is not used")
		}
	}
	if err := g.settle(walked); err != nil {
		return nil, err
	}
	if out := walked[len(walked)-1].Output; out.Kind != kernels.F32 || len(out.Shape) == 0 {
		return nil, outOfRange(fmt.Sprintf("nodes[%d] %q", len(walked)-1, out.Name), "the output must be f32 with at least one dimension")
	}
	return walked, nil
}

// walk checks node i against those before it.
func (g Graph) walk(i int, n Node, at map[string]int, before []Walked) (Walked, error) {
	w := Walked{Node: n, Index: i}
	if err := checkName(n.Name); err != nil {
		return w, err
	}
	if _, again := at[n.Name]; again {
		return w, outOfRange("name", "used twice")
	}
	if n.Op == nil {
		return w, outOfRange("op", "missing")
	}
	switch _, isInput := n.Op.(Input); {
	case i == 0 && !isInput:
		return w, outOfRange("op", "the first node must be an input")
	case isInput && i > 0 && !isInputNode(before[i-1]):
		return w, outOfRange("op", "inputs come before all other nodes")
	case isInput && i >= maxInputs:
		return w, outOfRange("op", "more than %d inputs", maxInputs)
	}
	var in []TensorSpec
	for _, name := range n.Inputs {
		j, ok := at[name]
		if !ok {
			return w, outOfRange("inputs", "no earlier node is called %.128q", name)
		}
		w.In = append(w.In, j)
		in = append(in, before[j].Output)
	}
	out, params, err := n.Op.infer(in)
	if err != nil {
		return w, err
	}
	if _, ok := n.Op.(augmentation); ok && !augmentable(before[w.In[0]].Op) {
		return w, outOfRange("inputs", "%q is neither the input nor an augmentation of it", in[0].Name)
	}
	if _, err := elements(out.Shape...); err != nil {
		return w, fault.Under("output", err)
	}
	out.Name = n.Name
	w.Output = out
	return w, w.tensorsOf(in, params)
}

// maxInputs is the largest number of inputs.
const maxInputs = 64

func isInputNode(w Walked) bool {
	_, ok := w.Op.(Input)
	return ok
}

// augmentable says whether an augmentation may follow op.
func augmentable(op Op) bool {
	if _, ok := op.(augmentation); ok {
		return true
	}
	_, ok := op.(Input)
	return ok
}

// checkName refuses names that could mislead a reader or a file.
func checkName(name string) error {
	if len(name) < 1 || len(name) > maxName {
		return outOfRange("name", "%d bytes is outside 1 to %d", len(name), maxName)
	}
	bad := strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	})
	if bad >= 0 {
		return outOfRange("name", "byte %d is not a letter, digit, '_', '-' or '.'", bad)
	}
	return nil
}
