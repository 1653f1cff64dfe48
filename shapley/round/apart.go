package round

import (
	"context"
	"fmt"
	"sync"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// together is how many coalitions a device sums at a time: each of their terms is read once for all of them.
const together = 8

// How much a device evaluates at a time: enough rows to keep it busy, and so few that an evaluation works in a gigabyte.
const (
	apartRows  = 4096
	apartWords = 1 << 28
)

// apart scores on a device whose memory is not this process'. All updates lie there; kernels.CoalitionSum makes the models of
// several coalitions, which are then evaluated on all rows. What comes back are the losses of positions, or outputs.
type apart struct {
	mu      sync.Mutex
	game    *Game
	plan    *program.Plan
	memory  engine.Memory
	batch   int // coalitions at a time
	chunk   int // rows of an evaluation
	padded  int // rows of all evaluations
	masks   kernels.Range
	weights kernels.Range
	params  sums
	layer   sums // outputs of a shared first layer; empty without one
	bias    sums // its bias
	scratch kernels.Range
	labels  kernels.Range // and the inputs, without a shared layer
	inputs  kernels.Range
	results kernels.Range // of each coalition's positions, one coalition after another
	spare   kernels.Range // what CrossEntropy leaves besides

	routines map[int]int // by coalitions
	read     []float32
}

// sums are what coalitions fold: n words of a base, of each player and, summed, of each coalition.
type sums struct {
	n                int
	base, terms, sum kernels.Range
}

func take(l *engine.Layout, n, players, coalitions int) sums {
	return sums{n, l.Take(n), l.Take(players * n), l.Take(coalitions * n)}
}

// of is the first word of a coalition's sum.
func (s sums) of(coalition int) int { return s.sum.Offset + coalition*s.n }

// newApart lays everything out on the device and writes what does not change.
func newApart(ctx context.Context, g *Game, graph program.Graph) (a *apart, err error) {
	l := g.layout
	plan, err := apartPlan(g, graph)
	if err != nil {
		return nil, err
	}
	a = &apart{game: g, plan: plan, batch: together, chunk: plan.X().Shape[0], routines: map[int]int{}}
	if g.options.Renormalised { // the weights are a coalition's own
		a.batch = 1
	}
	a.padded = (l.rows + a.chunk - 1) / a.chunk * a.chunk
	players := len(g.round.Updates)
	var words engine.Layout
	a.masks, a.weights = words.Take(a.batch*maskWords(players)), words.Take(players)
	a.params = take(&words, plan.ParameterWords(), players, a.batch)
	a.labels, a.scratch = words.Take(a.padded*l.labels), words.Take(plan.EvaluationWords())
	positions := a.chunk * l.scored
	a.spare = words.Take(1 + 2*positions)
	a.results = words.Take(a.batch * a.padded * l.scored * a.perPosition())
	rows, first := words.Take(l.rows*l.width), kernels.Range{}
	if f := g.first; f != nil {
		a.layer = take(&words, a.padded*f.width, players, a.batch)
		if f.bias {
			a.bias = take(&words, f.outs, players, a.batch)
		}
		first = words.Take((1 + players) * f.product.N * f.product.K)
	} else {
		a.inputs = words.Take(a.padded * l.width)
	}
	if a.memory, err = g.options.Device.Open(ctx, words.Words()); err != nil {
		return nil, err
	}
	if err = a.write(ctx); err == nil && g.first != nil {
		err = a.multiply(ctx, rows, first)
	}
	if err != nil {
		_ = a.close(context.WithoutCancel(ctx)) // the first error says more
		return nil, err
	}
	return a, nil
}

// apartPlan is the evaluation of as many rows as a device takes at a time.
func apartPlan(g *Game, graph program.Graph) (*program.Plan, error) {
	for most := apartRows; ; most /= 2 {
		plan, err := evaluation(g.round.Program, graph, chunkOf(g.layout.rows, most))
		if most == 1 || err == nil && plan.EvaluationWords() <= apartWords {
			return plan, err
		}
	}
}

// maskWords is how many words of a mask of kernels.CoalitionSum hold so many players.
func maskWords(players int) int { return (players + 31) / 32 }

// perPosition is how many words of a position come back.
func (a *apart) perPosition() int {
	if a.game.options.Utility == Accuracy {
		return a.game.layout.cols
	}
	return 1
}

// write copies rows, labels, parameters and updates to the device.
func (a *apart) write(ctx context.Context) error {
	g := a.game
	for _, rows := range []struct {
		b  kernels.Buf
		to kernels.Range
	}{{g.round.Y, a.labels}, {g.round.X, a.inputs}} {
		if rows.to.Words == 0 {
			continue
		}
		words := engine.Words(rows.b.F)
		if rows.b.I != nil {
			words = engine.Words(rows.b.I)
		}
		if err := a.memory.Write(ctx, rows.to.Offset, words); err != nil {
			return err
		}
	}
	skip := 0
	if g.first != nil {
		skip = g.first.params()
	}
	all := append([][][]float32{g.round.Base}, g.round.Updates...)
	for i, tensors := range all {
		at, bias := a.params.base.Offset, a.bias.base.Offset
		if i > 0 {
			at, bias = a.params.terms.Offset+(i-1)*a.params.n, a.bias.terms.Offset+(i-1)*a.bias.n
		}
		for k, r := range a.plan.Parameters() {
			if err := a.memory.Write(ctx, at+r.Offset, engine.Words(tensors[skip+k])); err != nil {
				return err
			}
		}
		if a.bias.n > 0 {
			if err := a.memory.Write(ctx, bias, engine.Words(tensors[1])); err != nil {
				return err
			}
		}
	}
	if g.options.Renormalised {
		return nil
	}
	return a.memory.Write(ctx, a.weights.Offset, engine.Words(g.weights))
}

// multiply computes the products of the shared first layer from the rows and the layer's weights.
func (a *apart) multiply(ctx context.Context, rows, weights kernels.Range) error {
	g, f := a.game, a.game.first
	if err := a.memory.Write(ctx, rows.Offset, engine.Words(g.round.X.F)); err != nil {
		return err
	}
	var calls []kernels.Call
	size := f.product.N * f.product.K
	for i, tensors := range append([][][]float32{g.round.Base}, g.round.Updates...) {
		weight := kernels.Range{Offset: weights.Offset + i*size, Words: size}
		to := kernels.Range{Offset: a.layer.base.Offset, Words: f.product.M * f.product.N}
		if i > 0 {
			to.Offset = a.layer.terms.Offset + (i-1)*a.layer.n
		}
		if err := a.memory.Write(ctx, weight.Offset, engine.Words(tensors[0])); err != nil {
			return err
		}
		calls = append(calls, kernels.Call{Op: f.product, Operands: []kernels.Range{rows, weight, to}})
	}
	routine, err := a.memory.Record(ctx, calls)
	if err != nil {
		return err
	}
	return a.memory.Run(ctx, routine)
}

func (a *apart) scores(ctx context.Context, coalitions []shapley.Coalition, out []int64, rows [][]int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for lo := 0; lo < len(coalitions); lo += a.batch {
		hi := min(lo+a.batch, len(coalitions))
		if err := a.run(ctx, coalitions[lo:hi]); err != nil {
			return fmt.Errorf("coalitions %d to %d: %w", lo, hi-1, err)
		}
		for k := lo; k < hi; k++ {
			var each []int64
			if rows != nil {
				each = rows[k]
			}
			out[k] = a.sum(k-lo, each)
		}
	}
	return nil
}

// run leaves the results of some coalitions in a.read.
func (a *apart) run(ctx context.Context, coalitions []shapley.Coalition) error {
	g := a.game
	words := maskWords(len(g.round.Updates))
	masks := make([]int32, len(coalitions)*words)
	var members []int
	for k, c := range coalitions {
		var err error
		if members, err = g.round.members(c, members); err != nil {
			return err
		}
		for _, i := range members {
			masks[k*words+i/32] |= 1 << (i % 32)
		}
	}
	if err := a.memory.Write(ctx, a.masks.Offset, engine.Words(masks)); err != nil {
		return err
	}
	if g.options.Renormalised { // a batch is one coalition
		weights := make([]float32, len(g.round.Updates))
		for k, w := range g.weightsOf(members, nil) {
			weights[members[k]] = w
		}
		if err := a.memory.Write(ctx, a.weights.Offset, engine.Words(weights)); err != nil {
			return err
		}
	}
	routine, ok := a.routines[len(coalitions)]
	if !ok {
		var err error
		if routine, err = a.memory.Record(ctx, a.calls(len(coalitions))); err != nil {
			return err
		}
		a.routines[len(coalitions)] = routine
	}
	if err := a.memory.Run(ctx, routine); err != nil {
		return err
	}
	if a.read == nil {
		a.read = make([]float32, a.results.Words)
	}
	n := a.results.Words / a.batch * len(coalitions)
	return a.memory.Read(ctx, engine.Words(a.read[:n]), a.results.Offset)
}

// sum is the score of a coalition of the batch from its results.
func (a *apart) sum(coalition int, each []int64) int64 {
	g, l := a.game, a.game.layout
	per := l.scored * a.perPosition()
	results := a.read[coalition*a.padded*per:]
	var sum int64
	for r := range l.rows {
		var row int64
		if of := results[r*per : (r+1)*per]; g.options.Utility == Accuracy {
			row = correct(of, g.round.Y.I[r*l.scored:(r+1)*l.scored], l.cols)
		} else {
			for _, v := range of {
				row += fixed(v)
			}
		}
		if each != nil {
			each[r] = row
		}
		sum += row
	}
	return g.scoreOf(sum)
}

func (a *apart) close(ctx context.Context) error { return a.memory.Close(ctx) }
