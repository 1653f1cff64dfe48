package round

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/program"
)

// Utility is what a coalition's model is judged by.
type Utility uint8

const (
	// Loss is L(w0) - L(w_S) in units of 1e-9. L is the mean of the positions' losses, each rounded half
	// to even to 1e-9 and at most MaxLoss, and is itself rounded half to even.
	Loss Utility = iota
	// Accuracy is the number of positions that w_S predicts rightly, less that of w0. Its unit is one
	// position. The program's loss must be cross-entropy.
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

	Threads int         // coalitions evaluated at a time; 0 takes runtime.GOMAXPROCS(0). Not part of the game
	ISA     kernels.ISA // code path; not part of the game
}

// maxThreads bounds the machines of a game.
const maxThreads = 1024

// threads is the number of machines.
func (o Options) threads() (int, error) {
	if o.Threads == 0 {
		return min(runtime.GOMAXPROCS(0), maxThreads), nil
	}
	if o.Threads < 1 || o.Threads > maxThreads {
		return 0, fmt.Errorf("threads: %d is outside 1 to %d", o.Threads, maxThreads)
	}
	return o.Threads, nil
}

// Game is the game of a round. Its methods may be called from several goroutines.
type Game struct {
	round   Round
	options Options
	layout  *layout
	first   *firstLayer // nil if the first layer is not shared
	weights []float32
	empty   int64 // score of w0
	all     []*evaluator
	free    chan *evaluator
}

// New checks a round and makes its game. Updates that do not fit or are not finite are errors that name
// the player. Close releases its threads.
func New(r Round, o Options) (*Game, error) {
	g, err := newGame(r, o)
	if err != nil {
		return nil, fmt.Errorf("round: %w", err)
	}
	return g, nil
}

func newGame(r Round, o Options) (*Game, error) {
	if o.Utility > Accuracy {
		return nil, fmt.Errorf("utility: %d is neither loss nor accuracy", o.Utility)
	}
	threads, err := o.threads()
	if err != nil {
		return nil, err
	}
	l, err := r.check()
	if err != nil {
		return nil, err
	}
	if o.Utility == Accuracy && r.Program.Loss != program.CrossEntropy {
		return nil, fmt.Errorf("utility: accuracy needs the loss %q", program.CrossEntropy)
	}
	g := &Game{round: r, options: o, layout: l, free: make(chan *evaluator, threads)}
	if g.weights, err = r.weights(); err != nil {
		return nil, err
	}
	graph := r.Program.Graph
	if linear, ok := shareable(l.walked); ok && !o.Direct {
		if err := g.share(linear, threads); err != nil {
			return nil, err
		}
		graph = cutGraph(l.walked)
	}
	plan, err := evaluation(r.Program, graph, chunkOf(l.rows))
	if err != nil {
		return nil, err
	}
	for range threads {
		e, err := newEvaluator(g, plan)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.all = append(g.all, e)
		g.free <- e
	}
	g.empty, err = g.all[0].of(context.Background(), shapley.NewCoalition(len(r.Updates)), nil)
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// share computes the first layer's products.
func (g *Game) share(linear program.Linear, threads int) error {
	cpu, err := kernels.NewCPU(kernels.Options{ISA: g.options.ISA, Threads: threads})
	if err != nil {
		return err
	}
	defer cpu.Close()
	g.first, err = newFirstLayer(cpu, &g.round, g.layout, linear)
	return err
}

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

// Empty is the score of w0: its loss in units of 1e-9, or the positions that it predicts rightly.
// Utilities are differences from it.
func (g *Game) Empty() int64 { return g.empty }

// Utilities evaluates coalitions, as many at a time as there are threads.
func (g *Game) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	if len(out) < len(coalitions) {
		return fmt.Errorf("round: out: %d places for %d coalitions", len(out), len(coalitions))
	}
	return g.scores(ctx, coalitions, out, nil)
}

// scores is Utilities; with rows it also leaves each coalition's scores of the rows there.
func (g *Game) scores(ctx context.Context, coalitions []shapley.Coalition, out []int64, rows [][]int64) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(len(g.all), len(coalitions)) {
		group.Go(func() error {
			var e *evaluator
			select {
			case e = <-g.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { g.free <- e }()
			for k := next.Add(1) - 1; k < int64(len(coalitions)); k = next.Add(1) - 1 {
				var each []int64
				if rows != nil {
					each = rows[k]
				}
				score, err := e.of(ctx, coalitions[k], each)
				if err != nil {
					return fmt.Errorf("round: coalition %d: %w", k, err)
				}
				if out[k] = score - g.empty; g.options.Utility == Loss {
					out[k] = g.empty - score
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// Close ends the machines' threads. No other call may be running or follow.
func (g *Game) Close() {
	for _, e := range g.all {
		e.cpu.Close()
	}
}
