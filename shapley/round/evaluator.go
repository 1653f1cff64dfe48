package round

import (
	"context"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/program"
)

// chunkRows is about how many rows a thread evaluates at a time.
const chunkRows = 256

// evaluator is one thread's machine.
type evaluator struct {
	game    *Game
	cpu     *kernels.CPU
	machine *program.Machine
	chunk   int // rows of the machine's batch

	members []int
	weights []float32
	terms   [][]float32
	bias    []float32    // of the shared first layer
	score   kernels.Buf  // losses of the chunk's positions
	extra   [3][]float32 // what CrossEntropy leaves besides
}

// chunkOf cuts rows into equal chunks of at most so many.
func chunkOf(rows, most int) int {
	chunks := (rows + most - 1) / most
	return (rows + chunks - 1) / chunks
}

// evaluation is the program that evaluates a chunk of rows: the graph with an optimizer without state.
func evaluation(p *program.Program, g program.Graph, rows int) (*program.Plan, error) {
	e := *p
	e.Graph, e.BatchSize, e.Accumulation, e.ClipNorm = g, rows, 1, 0
	e.Optimizer, e.Groups = program.Optimizer{Kind: program.SGD}, nil
	return program.Compile(&e, kernels.ProfileF32)
}

// newEvaluator allocates a machine of one thread.
func newEvaluator(team *kernels.CPU, g *Game, plan *program.Plan) (*evaluator, error) {
	cpu, err := team.Single()
	if err != nil {
		return nil, err
	}
	e := &evaluator{game: g, cpu: cpu, chunk: plan.X().Shape[0]}
	if e.machine, err = program.NewMachine(plan, cpu, 0); err != nil {
		cpu.Close()
		return nil, err
	}
	if g.first != nil && g.first.bias {
		e.bias = make([]float32, g.first.outs)
	}
	positions := e.chunk * g.layout.scored
	e.score.F = make([]float32, positions)
	e.extra = [3][]float32{make([]float32, 1), make([]float32, positions), make([]float32, positions)}
	return e, nil
}

// of is the score of a coalition, as a scorer gives it; each is its rows' scores or nil.
func (e *evaluator) of(ctx context.Context, c shapley.Coalition, each []int64) (int64, error) {
	g := e.game
	var err error
	if e.members, err = g.round.members(c, e.members); err != nil {
		return 0, err
	}
	e.weights = g.weightsOf(e.members, e.weights[:0])
	skip := 0
	if g.first != nil {
		skip = g.first.params()
	}
	for k, dst := range e.machine.Tensors() {
		e.foldParam(dst, skip+k)
	}
	if e.bias != nil {
		e.foldParam(e.bias, 1)
	}
	var sum int64
	for lo := 0; lo < g.layout.rows; lo += e.chunk {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s, err := e.rows(lo, min(e.chunk, g.layout.rows-lo), each)
		if err != nil {
			return 0, err
		}
		sum += s
	}
	return g.scoreOf(sum), nil
}

// foldParam sums the coalition's parameter k.
func (e *evaluator) foldParam(dst []float32, k int) {
	e.terms = e.terms[:0]
	for _, i := range e.members {
		e.terms = append(e.terms, e.game.round.Updates[i][k])
	}
	fold(dst, e.game.round.Base[k], e.terms, e.weights)
}

// rows is the sum of the scores of n rows from lo on. What an earlier chunk left behind them in the
// machine's batch is computed too and not counted: rows do not see one another.
func (e *evaluator) rows(lo, n int, each []int64) (int64, error) {
	g, l := e.game, e.game.layout
	x, y := e.machine.X(), e.machine.Y()
	if f := g.first; f != nil {
		e.terms = e.terms[:0]
		for _, i := range e.members {
			e.terms = append(e.terms, f.terms[i][lo*f.width:(lo+n)*f.width])
		}
		z := x.F[:n*f.width]
		fold(z, f.base[lo*f.width:(lo+n)*f.width], e.terms, e.weights)
		if e.bias != nil {
			addRows(z, e.bias)
		}
	} else {
		copyRows(x, g.round.X, lo, n, l.width)
	}
	copyRows(y, g.round.Y, lo, n, l.labels)
	_, out, err := e.machine.Evaluate()
	if err != nil {
		return 0, err
	}
	if g.options.Utility == Loss {
		if err := e.losses(out, y); err != nil {
			return 0, err
		}
	}
	var sum int64
	for r := range n {
		var row int64
		if at := r * l.scored; g.options.Utility == Accuracy {
			row = correct(out[at*l.cols:(at+l.scored)*l.cols], y.I[at:at+l.scored], l.cols)
		} else {
			for _, v := range e.score.F[at : at+l.scored] {
				row += fixed(v)
			}
		}
		if each != nil {
			each[lo+r] = row
		}
		sum += row
	}
	return sum, nil
}

// losses computes the loss of each position of the chunk.
func (e *evaluator) losses(out []float32, y kernels.Buf) error {
	positions, cols := len(e.score.F), e.game.layout.cols
	if e.game.round.Program.Loss == program.CrossEntropy {
		return e.cpu.Run(kernels.CrossEntropy{Rows: positions, Classes: cols},
			[]kernels.Buf{{F: out}, y, e.score, {F: e.extra[0]}, {F: e.extra[1]}, {F: e.extra[2]}})
	}
	for p := range positions {
		at := p * cols
		if err := e.cpu.Run(kernels.MSE{N: cols},
			[]kernels.Buf{{F: out[at : at+cols]}, {F: y.F[at : at+cols]}, {F: e.score.F[p : p+1]}}); err != nil {
			return err
		}
	}
	return nil
}

// copyRows copies n rows of width elements, from row lo of src on.
func copyRows(dst, src kernels.Buf, lo, n, width int) {
	if src.I != nil {
		copy(dst.I[:n*width], src.I[lo*width:])
		return
	}
	copy(dst.F[:n*width], src.F[lo*width:])
}
