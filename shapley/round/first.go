package round

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// firstLayer is a program whose first node is a Linear on the inputs, cut behind it. The products of the
// validation rows with w0 and with each update are computed once; a coalition's are their weighted sum,
// in the fold that makes its parameters. Rounding differs from that of products with the summed
// parameters, so whether the layer is shared is part of the game.
type firstLayer struct {
	width   int          // outputs of the layer for one row of X
	bias    bool         // whether parameter 1 is the layer's bias
	outs    int          // outputs at one position: the bias' length
	product kernels.Gemm // of all rows with a weight

	base  []float32   // x * W0^T, rows x width; on the processor
	terms [][]float32 // x * d_i^T for each player
}

// shareable says whether a graph begins with a Linear, its weight (out, in), that alone reads the inputs, with parameters
// behind it.
func shareable(walked []program.Walked) (program.Linear, bool) {
	linear, ok := walked[1].Op.(program.Linear)
	params := 0
	for _, w := range walked[2:] {
		params += len(w.Params)
		for _, j := range w.In {
			ok = ok && j != 0
		}
	}
	return linear, ok && !linear.Transposed && params > 0
}

// cutGraph replaces the inputs and the Linear by inputs that carry the Linear's name and shape. Dropout
// nodes move by one place, which an evaluation does not see.
func cutGraph(walked []program.Walked) program.Graph {
	in := program.Node{Name: walked[1].Name, Op: program.Input{Type: program.F32, Shape: walked[1].Output.Shape}}
	g := program.Graph{Nodes: []program.Node{in}}
	for _, w := range walked[2:] {
		g.Nodes = append(g.Nodes, w.Node)
	}
	return g
}

// newFirstLayer measures the layer.
func newFirstLayer(l *layout, linear program.Linear) *firstLayer {
	f := &firstLayer{width: l.walked[1].Output.Len(), outs: linear.Out, bias: linear.Bias}
	f.product = kernels.Gemm{M: l.rows * l.width / l.params[0].Shape[1], N: linear.Out, K: l.params[0].Shape[1], TransB: true, Profile: kernels.ProfileF32}
	return f
}

// multiply computes the products.
func (f *firstLayer) multiply(cpu *kernels.CPU, r *Round) (err error) {
	product := func(weight []float32) ([]float32, error) {
		y := make([]float32, f.product.M*f.product.N)
		return y, cpu.Run(f.product, []kernels.Buf{r.X, {F: weight}, {F: y}})
	}
	if f.base, err = product(r.Base[0]); err != nil {
		return err
	}
	f.terms = make([][]float32, len(r.Updates))
	for i, u := range r.Updates {
		if f.terms[i], err = product(u[0]); err != nil {
			return err
		}
	}
	return nil
}

// params is how many of the program's parameters belong to the layer.
func (f *firstLayer) params() int {
	if f.bias {
		return 2
	}
	return 1
}
