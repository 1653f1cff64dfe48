package metamorphic

import (
	"slices"

	"github.com/verifyd/verifyd/verify/program"
)

// last is the shape of the last node's output.
func (g *graph) last() []int { return g.shapes[len(g.shapes)-1] }

func (g *graph) scale() {
	g.append(program.Scale{Factor: pick(g.Rand, 1, -0.5, 2), Shift: pick(g.Rand, 0, 0.25)})
}

func (g *graph) transpose() { g.append(program.Transpose{Perm: g.Perm(len(g.last()))}) }

// slice takes some places of an axis.
func (g *graph) slice() {
	axis := g.IntN(len(g.last()))
	n := g.last()[axis]
	start := g.IntN(n)
	g.append(program.Slice{Axis: axis, Start: start, Stop: start + 1 + g.IntN(n-start), Step: 1 + g.IntN(2)})
}

// selects takes one place of an axis.
func (g *graph) selects() {
	axis := g.IntN(len(g.last()))
	g.append(program.Select{Axis: axis, Index: g.IntN(g.last()[axis])})
}

// concat lays the last output behind an earlier one of its shape, which may be itself.
func (g *graph) concat() {
	var same []string
	for i, n := range g.nodes {
		if slices.Equal(g.shapes[i], g.last()) && len(n.Inputs) > 0 {
			same = append(same, n.Name)
		}
	}
	if len(same) > 0 && len(g.nodes[len(g.nodes)-1].Inputs) > 0 {
		g.append(program.Concat{Axis: g.IntN(len(g.last()))}, pick(g.Rand, same...))
	}
}

// repeat combines the last output with its own mean over an axis, which is repeated there.
func (g *graph) repeat() {
	whole, shape := g.nodes[len(g.nodes)-1].Name, g.last()
	g.append(program.Mean{Axes: []int{g.IntN(len(shape))}, KeepDim: true})
	if one(g.Rand, 3) {
		g.append(program.Expand{Shape: shape})
	}
	g.append(pick[program.Op](g.Rand, program.Add{}, program.Mul{}, program.Sub{}), whole)
}
