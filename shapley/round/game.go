package round

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// Utility is what a coalition's model is judged by.
type Utility uint8

const (
	// Loss is L(w0) - L(w_S) in units of 1e-9. L is the mean of the positions' losses, each rounded half
	// to even to 1e-9 and at most MaxLoss, and is itself rounded half to even.
	Loss Utility = iota
	// Accuracy is the share of positions that w_S predicts rightly in units of 1e-9, rounded half to even, less that
	// of w0. The program's loss must be cross-entropy.
	Accuracy
)

func (u Utility) String() string {
	if u == Accuracy {
		return "accuracy"
	}
	return "loss"
}

// Options choose the game and how it is computed.
type Options struct {
	Utility Utility // Loss by default
	// Renormalised averages within the coalition: a_i = n_i / the sum of the members' n_j, as FedSV and
	// GTG-Shapley do. WARNING: it pays free riders. A player without an update dilutes the others' and so
	// moves the model; such a player was measured to earn 65 to 130 % of the mean value for nothing.
	Renormalised bool
	// Direct evaluates the first layer of an MLP from the summed parameters. By default its products with
	// the validation rows are computed once for each player and summed, which rounds differently.
	Direct bool

	// Harmless isolates updates that do harm, too: see ReasonHarm.
	Harmless bool

	// Device is where it is computed. Not part of the game. On the processor as many coalitions are evaluated at a time as it
	// has threads.
	Device engine.Device
}

// Game is the game of a round. Its methods may be called from several goroutines.
type Game struct {
	given   Round
	round   Round // what is played: zeros in the place of updates that explode
	options Options
	layout  *layout
	first   *firstLayer // nil if the first layer is not shared
	weights []float32
	empty   int64 // score of w0
	scorer  scorer

	isolated []Isolated
}

// scorer evaluates coalitions on a device.
type scorer interface {
	// scores sets out[k] to the score of coalitions[k]: the mean loss, or the share of correct positions. With rows,
	// which has a place for every row of each coalition, the sums of the scores of each row's positions are left there.
	scores(ctx context.Context, coalitions []shapley.Coalition, out []int64, rows [][]int64) error
	close(ctx context.Context) error
}

// New checks a round and makes its game. Updates that do not fit are errors that name the player; those that explode are
// isolated, see Isolated. Close releases what it holds of the device.
func New(ctx context.Context, r Round, o Options) (*Game, error) {
	g, err := newGame(ctx, r, o)
	if err != nil {
		return nil, fmt.Errorf("round: %w", err)
	}
	return g, nil
}

func newGame(ctx context.Context, r Round, o Options) (*Game, error) {
	if o.Utility > Accuracy {
		return nil, fmt.Errorf("utility: %d is neither loss nor accuracy", o.Utility)
	}
	if o.Device == nil {
		return nil, errNoDevice
	}
	l, err := r.check()
	if err != nil {
		return nil, err
	}
	if o.Utility == Accuracy && r.Program.Loss != program.CrossEntropy {
		return nil, fmt.Errorf("utility: accuracy needs the loss %q", program.CrossEntropy)
	}
	g := &Game{given: r, round: r, options: o, layout: l}
	g.round.Updates = slices.Clone(r.Updates)
	if g.weights, err = r.weights(); err != nil {
		return nil, err
	}
	graph := r.Program.Graph
	if linear, ok := shareable(l.walked); ok && !o.Direct {
		g.first = newFirstLayer(l, linear)
		graph = cutGraph(l.walked)
	}
	g.screen()
	if err := g.start(ctx, Loss, graph); err != nil {
		return nil, err
	}
	exploded, err := g.explode(ctx)
	if exploded || o.Utility != Loss || err != nil {
		if err := errors.Join(err, g.scorer.close(context.WithoutCancel(ctx))); err != nil {
			return nil, err
		}
		if err := g.start(ctx, o.Utility, graph); err != nil {
			return nil, err
		}
	}
	empty := make([]int64, 1)
	if err := g.scorer.scores(ctx, []shapley.Coalition{shapley.NewCoalition(len(r.Updates))}, empty, nil); err != nil {
		return nil, errors.Join(err, g.scorer.close(context.WithoutCancel(ctx)))
	}
	g.empty = empty[0]
	return g, nil
}

var errNoDevice = errors.New("device: none is given")

// weightsOf appends the members' weights to to.
func (g *Game) weightsOf(members []int, to []float32) []float32 {
	if !g.options.Renormalised {
		for _, i := range members {
			to = append(to, g.weights[i])
		}
		return to
	}
	sum := uint64(0)
	for _, i := range members {
		sum += g.round.Sizes[i]
	}
	for _, i := range members {
		to = append(to, weight(g.round.Sizes[i], sum))
	}
	return to
}

// Players is the number of updates.
func (g *Game) Players() int { return len(g.round.Updates) }

// Rows is the number of validation rows.
func (g *Game) Rows() int { return g.layout.rows }

// Empty is the score of w0 in units of 1e-9: its loss, or the share of positions that it predicts rightly.
// Utilities are differences from it.
func (g *Game) Empty() int64 { return g.empty }

// Utilities evaluates coalitions.
func (g *Game) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	if len(out) < len(coalitions) {
		return fmt.Errorf("round: out: %d places for %d coalitions", len(out), len(coalitions))
	}
	return g.scores(ctx, coalitions, out, nil)
}

// scores is Utilities; with rows it also leaves each coalition's scores of the rows there.
func (g *Game) scores(ctx context.Context, coalitions []shapley.Coalition, out []int64, rows [][]int64) error {
	if err := g.scorer.scores(ctx, coalitions, out, rows); err != nil {
		return fmt.Errorf("round: %w", err)
	}
	for k := range coalitions {
		if out[k] -= g.empty; g.options.Utility == Loss {
			out[k] = -out[k]
		}
	}
	return nil
}

// Close releases what the game holds. No other call may be running or follow.
func (g *Game) Close() { _ = g.scorer.close(context.Background()) } // a device that fails here has nothing more to give
