package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// drawProgram draws a small program with valid shapes.
func drawProgram(r *rand.Rand) *program.Program {
	g := &graph{Rand: r}
	g.begin()
	for range 1 + r.IntN(5) {
		g.grow()
	}
	p := &program.Program{
		Version: program.Version, BatchSize: 1 + r.IntN(4), Accumulation: 1 + r.IntN(3),
		Loss: program.MSE, Optimizer: drawOptimizer(r, pick(r, program.SGD, program.SGD, program.Adam, program.AdamW)), Schedule: drawSchedule(r),
	}
	if one(r, 2) {
		p.Loss = program.CrossEntropy
	}
	if one(r, 2) {
		p.ClipNorm = pick(r, 0.01, 0.5, 1, 100)
	}
	g.append(program.Linear{Out: 2 + r.IntN(4), Bias: one(r, 2)}) // so that there is a parameter, and classes
	p.Graph.Nodes = g.nodes
	if one(r, 2) {
		drawFacts(r, &p.Graph)
	}
	if one(r, 3) {
		drawGroups(r, p)
	}
	return p
}

// drawGroups gives some of the parameters to optimizers and schedules of their own, and leaves the last one to the program's.
func drawGroups(r *rand.Rand, p *program.Program) {
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return // whoever compiles the program says why
	}
	groups := make([]program.Group, 1+r.IntN(3))
	for i := range groups {
		groups[i].Optimizer, groups[i].Schedule = drawOptimizer(r, p.Optimizer.Kind), drawSchedule(r)
	}
	params := plan.Params()
	for _, t := range params[:len(params)-1] {
		if k := r.IntN(len(groups) + 1); k < len(groups) {
			groups[k].Params = append(groups[k].Params, t.Name)
		}
	}
	groups = slices.DeleteFunc(groups, func(g program.Group) bool { return len(g.Params) == 0 })
	for _, g := range groups {
		slices.Sort(g.Params)
	}
	slices.SortFunc(groups, func(a, b program.Group) int { return strings.Compare(a.Params[0], b.Params[0]) })
	drawn := *p
	drawn.Groups = groups
	if _, err := program.Compile(&drawn, kernels.ProfileF32); err == nil { // two may say the same
		*p = drawn
	}
}

// drawFacts ties one pair of parameters of the same shape, if there is one, and freezes some, but not the last layer's.
func drawFacts(r *rand.Rand, g *program.Graph) {
	walked, err := g.Walk()
	if err != nil {
		return // whoever compiles the program says why
	}
	var all []program.TensorSpec
	for _, w := range walked[:len(walked)-1] {
		if _, ok := w.Op.(program.ConstantTensor); !ok {
			all = append(all, w.Params...)
		}
	}
	for i := range all {
		for _, later := range all[i+1:] {
			if len(g.Tied) == 0 && one(r, 2) && slices.Equal(all[i].Shape, later.Shape) {
				tied := *g
				tied.Tied = []program.Tie{{Name: later.Name, As: all[i].Name}}
				if _, err := tied.Walk(); err == nil { // the two may be one node's
					*g = tied
				}
			}
		}
	}
	for _, t := range all {
		if one(r, 3) && (len(g.Tied) == 0 || t.Name != g.Tied[0].Name) {
			g.Frozen = append(g.Frozen, t.Name)
		}
	}
	slices.Sort(g.Frozen)
}

// graph is a chain of nodes that also reaches back.
type graph struct {
	*rand.Rand
	nodes  []program.Node
	shapes [][]int // of the nodes' outputs
}

// append adds a node that takes the last one's output, and perhaps others'.
func (g *graph) append(op program.Op, others ...string) {
	var inputs []string
	if len(g.nodes) > 0 {
		inputs = append([]string{g.nodes[len(g.nodes)-1].Name}, others...)
	}
	g.joins(op, inputs...)
}

// joins adds a node.
func (g *graph) joins(op program.Op, inputs ...string) {
	n := program.Node{Name: fmt.Sprintf("n%d", len(g.nodes)), Op: op, Inputs: inputs}
	g.nodes = append(g.nodes, n)
	if walked, err := (program.Graph{Nodes: g.nodes}).Walk(); err == nil {
		g.shapes = append(g.shapes, walked[len(walked)-1].Output.Shape)
	} else {
		g.shapes = append(g.shapes, nil) // an input alone is no graph yet
	}
}

// begin draws the rows: numbers, images, or tokens with their embedding.
func (g *graph) begin() {
	switch g.IntN(3) {
	case 0:
		g.append(program.Input{Type: program.F32, Shape: []int{3 + g.IntN(7)}})
	case 1:
		g.append(program.Input{Type: program.F32, Shape: []int{1 + g.IntN(2), 4 + g.IntN(3), 4 + g.IntN(3)}})
		g.shapes[0] = g.nodes[0].Op.(program.Input).Shape
		if one(g.Rand, 3) {
			g.append(program.RandomCrop{Padding: g.IntN(3), Size: [2]int{3 + g.IntN(2), 3 + g.IntN(2)}})
		}
		if one(g.Rand, 3) {
			g.append(program.RandomFlip{P: 0.5})
		}
		return
	default:
		g.append(program.Input{Type: program.I32, Shape: []int{2 + g.IntN(4)}})
		g.append(program.Embedding{Vocab: vocabulary, Dim: 4 * (1 + g.IntN(2)), Std: 0.3})
		return
	}
	g.shapes[0] = g.nodes[0].Op.(program.Input).Shape
	if one(g.Rand, 4) { // rows of two tensors
		g.nodes = append(g.nodes, program.Node{Name: pick(g.Rand, "aside", "z"), Op: g.nodes[0].Op})
		g.shapes = append(g.shapes, g.shapes[0])
		g.joins(pick[program.Op](g.Rand, program.Add{}, program.Mul{}), g.nodes[0].Name, g.nodes[1].Name)
	}
}

// free multiplies or adds a tensor of the program's own, or one that it has as numbers.
func (g *graph) free() {
	shape, last := g.shapes[len(g.shapes)-1], g.nodes[len(g.nodes)-1].Name
	n := program.Node{Name: fmt.Sprintf("free%d", len(g.nodes)), Op: program.Parameter{Shape: shape, Std: 0.2}}
	if one(g.Rand, 2) {
		values := make(program.Bits, elements(shape))
		for i := range values {
			values[i] = float32(g.IntN(9)-4) / 4
		}
		n.Op = program.ConstantTensor{Shape: shape, Values: values}
	}
	g.nodes, g.shapes = append(g.nodes, n), append(g.shapes, nil)
	g.joins(pick[program.Op](g.Rand, program.Add{}, program.Mul{}), last, n.Name)
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// vocabulary is the number of tokens.
const vocabulary = 7

// grow adds what the last shape allows.
func (g *graph) grow() {
	shape := g.shapes[len(g.shapes)-1]
	kinds := []func(){g.activation, g.activation, g.norm, g.dropout, g.softmax, g.linear, g.pair, g.pair, g.scale, g.slice, g.concat, g.free}
	switch len(shape) {
	case 2:
		kinds = append(kinds, g.attention, g.attention, g.position, g.flatten, g.transpose, g.repeat, g.selects)
	case 3:
		kinds = append(kinds, g.convolution, g.convolution, g.convolution, g.pool, g.pool, g.flatten, g.transpose, g.repeat, g.selects)
	}
	pick(g.Rand, kinds...)()
}

func (g *graph) activation() {
	g.append(pick[program.Op](g.Rand, program.ReLU{}, program.GELU{}, program.GELUTanh{}, program.SiLU{}, program.Tanh{}, program.Sigmoid{},
		program.ReLU6{}, program.HardTanh{Min: -0.5, Max: 1}, program.Clamp{Min: -1, Max: 0.5}, program.HardSigmoid{}, program.HardSwish{},
		program.LeakyReLU{Slope: 0.1}, program.ELU{Alpha: 1.5}, program.Softplus{}))
}

func (g *graph) norm() {
	if s := g.shapes[len(g.shapes)-1]; len(s) == 3 && s[1]*s[2] > 1 && one(g.Rand, 2) {
		g.append(program.BatchNorm{Eps: 1e-5, Momentum: pick(g.Rand, 0, 0.1, 1), Frozen: one(g.Rand, 3)})
		return
	}
	g.append(pick[program.Op](g.Rand, program.LayerNorm{Eps: 1e-5}, program.RMSNorm{Eps: 1e-6}))
}

func (g *graph) dropout() {
	p := pick(g.Rand, 0, 0.1, 0.5)
	g.append(pick[program.Op](g.Rand, program.Dropout{P: p}, program.RowDropout{P: p}))
}

func (g *graph) softmax() { g.append(program.Softmax{}) }

// flatten makes one dimension of an image, or of rows.
func (g *graph) flatten() {
	if s := g.last(); len(s) == 2 {
		g.append(program.Reshape{Shape: []int{s[0] * s[1]}})
		return
	}
	g.append(program.Flatten{})
}

func (g *graph) position() { g.append(program.PositionEmbedding{Std: 0.1}) }

func (g *graph) linear() {
	g.append(program.Linear{Out: 1 + g.IntN(8), Bias: one(g.Rand, 2), Std: pick(g.Rand, 0, 0, 0.2), Transposed: one(g.Rand, 3)})
}

// pair adds or multiplies the last output and an earlier one of its shape, which may be itself.
func (g *graph) pair() {
	var same []string
	for i, n := range g.nodes {
		if slices.Equal(g.shapes[i], g.shapes[len(g.shapes)-1]) {
			same = append(same, n.Name)
		}
	}
	g.append(pick[program.Op](g.Rand, program.Add{}, program.Mul{}, program.Sub{}), pick(g.Rand, same...))
}

func (g *graph) attention() {
	heads := 1 + g.IntN(2)
	g.append(program.Linear{Out: 3 * heads * (1 + g.IntN(4)), Bias: one(g.Rand, 2)})
	g.append(program.Attention{Heads: heads, Causal: one(g.Rand, 2)})
}

func (g *graph) convolution() {
	kernel := g.window()
	g.append(program.Conv2D{
		Out: 1 + g.IntN(3), Kernel: kernel, Stride: [2]int{1 + g.IntN(2), 1 + g.IntN(2)},
		Padding: [2]int{g.IntN(2), g.IntN(2)}, Bias: one(g.Rand, 2),
	})
}

func (g *graph) pool() {
	kernel, stride := g.window(), [2]int{1 + g.IntN(2), 1 + g.IntN(2)}
	padding := [2]int{g.IntN(1 + kernel[0]/2), g.IntN(1 + kernel[1]/2)}
	if one(g.Rand, 2) {
		g.append(program.MaxPool2D{Kernel: kernel, Stride: stride, Padding: padding})
	} else {
		g.append(program.AvgPool2D{Kernel: kernel, Stride: stride, Padding: padding})
	}
}

// window is a kernel that fits into the last output.
func (g *graph) window() [2]int {
	s := g.shapes[len(g.shapes)-1]
	return [2]int{1 + g.IntN(min(3, s[1])), 1 + g.IntN(min(3, s[2]))}
}

func drawOptimizer(r *rand.Rand, kind string) program.Optimizer {
	o := program.Optimizer{Kind: kind, WeightDecay: pick(r, 0, 0, 0.01)}
	if o.Kind != program.SGD {
		o.Beta1, o.Beta2, o.Eps = pick(r, 0, 0.9), pick(r, 0.99, 0.999), 1e-8
		return o
	}
	if o.Momentum = pick(r, 0, 0.9); o.Momentum > 0 {
		if o.Nesterov = one(r, 2); !o.Nesterov {
			o.Dampening = pick(r, 0, 0.1)
		}
	}
	return o
}

func drawSchedule(r *rand.Rand) program.Schedule {
	s := program.Schedule{
		Kind: pick(r, program.Constant, program.LinearDecay, program.CosineDecay, program.StepDecay, program.Exponential),
		Rate: pick(r, 0.001, 0.01, 0.05), Warmup: pick[uint64](r, 0, 0, 3),
	}
	if s.Warmup > 0 && one(r, 2) {
		s.Warmup, s.Ramp, s.From = 0, s.Warmup, pick(r, 0, 0.25)
	}
	switch s.Kind {
	case program.LinearDecay, program.CosineDecay:
		s.Steps, s.Floor = s.Warmup+s.Ramp+1+r.Uint64N(12), pick(r, 0, 0.0005)
	case program.StepDecay:
		s.Every, s.Factor = 1+r.Uint64N(4), pick(r, 0.5, 1)
	case program.Exponential:
		s.Factor = 0.9
	}
	return s
}

func one(r *rand.Rand, in int) bool { return r.IntN(in) == 0 }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
