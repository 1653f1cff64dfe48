package round

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// calls sum and evaluate so many coalitions.
func (a *apart) calls(coalitions int) []kernels.Call {
	g, l := a.game, a.game.layout
	players := len(g.round.Updates)
	masks := kernels.Range{Offset: a.masks.Offset, Words: coalitions * maskWords(players)}
	var all []kernels.Call
	for _, s := range []sums{a.params, a.layer, a.bias} {
		if s.n == 0 {
			continue
		}
		sum := kernels.Range{Offset: s.sum.Offset, Words: coalitions * s.n}
		all = append(all, kernels.Call{
			Op:       kernels.CoalitionSum{Coalitions: coalitions, Players: players, N: s.n},
			Operands: []kernels.Range{masks, a.weights, s.base, s.terms, sum},
		})
	}
	for c := range coalitions {
		if a.bias.n > 0 {
			z := kernels.Range{Offset: a.layer.of(c), Words: a.layer.n}
			bias := kernels.Range{Offset: a.bias.of(c), Words: a.bias.n}
			all = append(all, kernels.Call{Op: kernels.BiasAdd{N: a.layer.n / a.bias.n, C: a.bias.n, P: 1}, Operands: []kernels.Range{z, bias, z}})
		}
		for lo := 0; lo < a.padded; lo += a.chunk {
			at := program.Evaluation{X: a.inputs.Offset + lo*l.width, Y: a.labels.Offset + lo*l.labels, Params: a.params.of(c), Scratch: a.scratch.Offset}
			if g.first != nil {
				at.X = a.layer.of(c) + lo*g.first.width
			}
			calls, outputs := a.plan.Evaluation(at)
			all = append(all, calls...)
			all = append(all, a.score(outputs, at.Y, (c*a.padded+lo)*l.scored)...)
		}
	}
	return all
}

// score keeps the losses, or the outputs, of a chunk whose first position is one of results.
func (a *apart) score(outputs kernels.Range, labels, position int) []kernels.Call {
	l, positions := a.game.layout, a.chunk*a.game.layout.scored
	at := a.results.Offset + position*a.perPosition()
	if a.game.options.Utility == Accuracy {
		return []kernels.Call{{Op: kernels.Copy{N: outputs.Words}, Operands: []kernels.Range{outputs, {Offset: at, Words: outputs.Words}}}}
	}
	if a.game.round.Program.Loss == program.CrossEntropy {
		return []kernels.Call{{Op: kernels.CrossEntropy{Rows: positions, Classes: l.cols}, Operands: []kernels.Range{
			outputs, {Offset: labels, Words: positions}, {Offset: at, Words: positions}, {Offset: a.spare.Offset, Words: 1},
			{Offset: a.spare.Offset + 1, Words: positions}, {Offset: a.spare.Offset + 1 + positions, Words: positions},
		}}}
	}
	all := make([]kernels.Call, positions)
	for p := range all {
		all[p] = kernels.Call{Op: kernels.MSE{N: l.cols}, Operands: []kernels.Range{
			{Offset: outputs.Offset + p*l.cols, Words: l.cols}, {Offset: labels + p*l.cols, Words: l.cols}, {Offset: at + p, Words: 1},
		}}
	}
	return all
}
